// An exception: type, message, and its stack trace folded away.

import type { ExceptionDetail } from "../../api/types.ts";
import { Copy } from "../../ui/Copy.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { LongText } from "./LongText.tsx";

export function ExceptionView({ exception }: { exception: ExceptionDetail }) {
  return (
    <div className="exception">
      <p><Icon name="error" /> <strong>{exception.exceptionType || "exception"}</strong>{exception.message && <>: <LongText text={exception.message} /></>}</p>
      {exception.stackTrace && (
        <details open={exception.stackTrace.length < 1500}>
          <summary>Stack trace</summary>
          {/* Long lines scroll inside; a keyboard must be able to do that. */}
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <div className="code-block"><pre tabIndex={0}><LongText text={exception.stackTrace} className="as-is" /></pre><Copy text={exception.stackTrace} label="Copy the stack trace" /></div>
        </details>
      )}
    </div>
  );
}

// A modal dialog on the browser's own: it holds the focus and gives it back.

import { type ReactNode, useLayoutEffect, useRef } from "react";
import { Icon } from "./Icon.tsx";

export function Dialog({ title, onClose, children, className }: { title: string; onClose: () => void; children: ReactNode; className?: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    // Its first field rather than the button that closes it.
    dialog.current?.querySelector<HTMLElement>(".dialog-body input")?.focus();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    // A click on the backdrop has the dialog itself as its target; keys close it through the browser's `cancel`.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog ref={dialog} className={className} aria-label={title} onClose={onClose} onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <div className="dialog-head">
        <h2>{title}</h2>
        <button type="button" className="button quiet icon" aria-label="Close" onClick={() => dialog.current?.close()}><Icon name="close" /></button>
      </div>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}

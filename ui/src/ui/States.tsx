// Empty, loading and failed: what stands where data would.

import { type ReactNode, useEffect, useState } from "react";
import { ApiError } from "../api/error.ts";
import type { Completeness } from "../api/types.ts";
import type { Resource } from "../state/resource.ts";
import { Icon, type IconName } from "./Icon.tsx";

/** Nothing is shown for this long: most answers come sooner, and a flash of grey is worse than a pause. */
const PLACEHOLDER_AFTER_MS = 150;

/** `isPage` where nothing else on the page is its heading. */
export function Empty({ title, children, isPage = false }: { title: string; children?: ReactNode; isPage?: boolean }) {
  const Heading = isPage ? "h1" : "h2";
  return <div className="empty"><Heading>{title}</Heading>{children}</div>;
}

export function Placeholder({ label = "Loading" }: { label?: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PLACEHOLDER_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="placeholder" role="status" aria-label={label}>
      {late && Array.from({ length: 9 }, (_, line) => <i key={line} />)}
    </div>
  );
}

export function Banner({ kind, children }: { kind: "error" | "warn" | "info"; children: ReactNode }) {
  const icon: IconName = kind;
  return <div className={`banner ${kind}`} role={kind === "error" ? "alert" : "status"}><Icon name={icon} />{children}</div>;
}

/** Why an answer is not about everything; nothing where it is. */
export function Incomplete({ of: { complete, reasons } }: { of: Completeness }) {
  return complete ? null : <Banner kind="warn"><span>Not everything was looked at: {reasons.join("; ")}</span></Banner>;
}

/** Seconds until `at`, counted down. */
function useCountdown(at: number | undefined): number | undefined {
  const [, tick] = useState(0);
  useEffect(() => {
    if (at === undefined) return undefined;
    const timer = setInterval(() => tick((turn) => turn + 1), 1000);
    return () => clearInterval(timer);
  }, [at]);
  return at === undefined ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

export function describe(error: Error): { error: string; hint: string | null } {
  return error instanceof ApiError ? error.problem : { error: error.message, hint: null };
}

/** What went wrong, when the next try comes, and a button that does not wait. */
export function FailureBanner({ resource }: { resource: Resource<unknown> }) {
  const seconds = useCountdown(resource.retryAt);
  if (!resource.error) return null;
  const { error, hint } = describe(resource.error);
  return (
    <Banner kind="error">
      <span><strong>{error}</strong>{hint ? ` · ${hint}` : ""}</span>
      <button type="button" className="button" onClick={resource.reload}>Try again{seconds === undefined ? "" : ` (${seconds} s)`}</button>
    </Banner>
  );
}

/** A resource's data where there are some, else what stands for them; a failure is said above, the data dimmed. */
export function Loaded<T>({ resource, children }: { resource: Resource<T>; children: (data: T) => ReactNode }) {
  const { data, error, loading } = resource;
  return (
    <>
      <FailureBanner resource={resource} />
      {data !== undefined ? <div className={`page${error ? " dimmed" : ""}`} aria-busy={loading}>{children(data)}</div> : error ? <div className="page" /> : <Placeholder />}
    </>
  );
}

// A trace: fetched as an outline, then shown; says what happens when it is not there, or not all of it yet.

import { useEffect, useRef, useState } from "react";
import { api, isEmbedded } from "../../api/client.ts";
import { ApiError } from "../../api/error.ts";
import type { Outline } from "../../engine/outline.ts";
import { formatDuration } from "../../engine/time.ts";
import { seenClocks } from "../../state/clocks.ts";
import { onLive } from "../../state/live.ts";
import { useResource } from "../../state/resource.ts";
import { useValue } from "../../state/signals.ts";
import { useTitle } from "../../ui/title.ts";
import { Link } from "../../ui/Link.tsx";
import { Empty, FailureBanner, Placeholder } from "../../ui/States.tsx";
import { TraceBody } from "./TraceBody.tsx";

/** A trace that is not there yet is asked for again this often, this many times. */
const ASK_AGAIN_MS = 2000;
const ASK_AGAIN_MOST = 5;
/** A trace that still grows is fetched at most this often. */
const GROW_MS = 1000;

export function TracePage({ traceId }: { traceId: string }) {
  const clocks = useValue(seenClocks);
  const outline = useResource(`${traceId} ${clocks}`, async (signal) => ({ asked: traceId, outline: await api.outline(traceId, signal, clocks) }), true);
  // While the same trace is fetched anew it stays; another trace is never shown in its place. The address need not spell its
  // id as the trace does.
  const data = outline.data?.asked === traceId ? outline.data.outline : undefined;
  const summary = data?.header.summary;
  useTitle(summary ? `${formatDuration(summary.duration)} ${summary.rootName} · trace` : "Trace");
  const isMissing = outline.error instanceof ApiError && outline.error.status === 404;
  useGrowth(traceId, data, outline.reload);
  if (!data && isMissing && isEmbedded) return <LeftOut traceId={traceId} error={outline.error} />;
  if (!data && isMissing) return <Missing traceId={traceId} reload={outline.reload} />;
  return (
    <>
      {!isMissing && <FailureBanner resource={outline} />}
      {!data && <h1 className="vh">Trace</h1>}
      {data ? <TraceBody key={traceId} outline={data} /> : !outline.error && <Placeholder label="Loading the trace" />}
    </>
  );
}

/** Fetches again when the server says that the trace got more spans. */
function useGrowth(traceId: string, outline: Outline | undefined, reload: () => void): void {
  const known = useRef(0);
  known.current = outline?.header.summary.spanCount ?? 0;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onLive("traces", ({ traces }) => {
      const row = traces.find((candidate) => candidate.traceId === traceId);
      if (row && row.spanCount !== known.current && timer === undefined) {
        timer = setTimeout(() => {
          timer = undefined;
          reload();
        }, GROW_MS);
      }
    });
    const stopGap = onLive("gap", reload);
    return () => {
      clearTimeout(timer);
      stop();
      stopGap();
    };
  }, [traceId, reload]);
}

/** What the report says of a trace that it does not hold. */
function LeftOut({ traceId, error }: { traceId: string; error: Error | undefined }) {
  return <Empty isPage title={`Trace ${traceId} is not in this report`}>{error && <p>{error.message}</p>}</Empty>;
}

function Missing({ traceId, reload }: { traceId: string; reload: () => void }) {
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (asked >= ASK_AGAIN_MOST) return undefined;
    const timer = setTimeout(() => {
      setAsked(asked + 1);
      reload();
    }, ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [asked, reload]);
  return (
    <Empty isPage title={`Trace ${traceId} is not here`}>
      <p>It may not have been received yet, may have expired, or the id may be wrong.</p>
      <p role="status">{asked < ASK_AGAIN_MOST ? "Waiting for it…" : "It did not come within 10 seconds."}</p>
      <button type="button" className="button" onClick={() => { setAsked(0); reload(); }}>Look again</button>{" "}
      <Link to="traces" className="button">All traces</Link>
    </Empty>
  );
}

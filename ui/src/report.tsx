// Where a report begins: one file with its data inside, opened from disk. The same pages, without a server.

import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { allOutlines, answerFrom, readReport, type ReportData } from "./api/embedded.ts";
import type { ServiceStyle, TraceRow, TraceSort } from "./api/types.ts";
import { formatFullTime } from "./engine/time.ts";
import { RunPage } from "./pages/evals/RunPage.tsx";
import { TracePage } from "./pages/trace/TracePage.tsx";
import { TraceTable } from "./pages/traces/TraceTable.tsx";
import { Help } from "./shell/Help.tsx";
import { followKeys, useCommands } from "./state/keys.ts";
import { hint } from "./state/keymap.ts";
import { followTheme } from "./state/preferences.ts";
import { readRoute, traceLink, type Route } from "./state/routes.ts";
import { useValue } from "./state/signals.ts";
import { followAddress, path } from "./state/url.ts";
import { copyLink } from "./ui/Copy.tsx";
import { Logo, ThemeSwitch } from "./ui/Frame.tsx";
import { Guard } from "./ui/Guard.tsx";
import { Icon } from "./ui/Icon.tsx";
import { Link } from "./ui/Link.tsx";
import { Banner, Empty, Placeholder } from "./ui/States.tsx";
import { Toast } from "./ui/Toast.tsx";
import "./styles/report.css";

/** What a path shows: without an evaluation the only trace, or the list of them, is the first page. */
function routeIn(data: ReportData, at: string): Route {
  const route = readRoute(at);
  if (route.page === "trace") return route;
  if (route.page === "traces" && at !== "") return route;
  if (data.run) return { page: "run", run: data.run.summary.run };
  return data.traces.length === 1 ? { page: "trace", traceId: data.traces[0]!.traceId } : { page: "traces" };
}

function Report({ data }: { data: ReportData }) {
  const [isHelpOpen, setHelpOpen] = useState(false);
  const route = routeIn(data, useValue(path));
  useCommands({ help: () => setHelpOpen(true), copyLink });
  const sections = [...(data.run ? [{ to: "", label: "Results", page: "run" }] : []), ...(data.traces.length > 1 ? [{ to: "traces", label: `Traces (${data.traces.length})`, page: "traces" }] : [])];
  return (
    <div className="shell">
      <header className="topbar">
        <span className="brand"><Logo /><span>Headwater</span></span>
        <nav className="nav" aria-label="Sections">
          {sections.map(({ to, label, page }) => <Link key={to} to={to} aria-current={route.page === page ? "page" : undefined}>{label}</Link>)}
        </nav>
        <div className="topbar-end">
          <ThemeSwitch />
          <button type="button" className="button quiet icon" aria-label="Keyboard help" title={`Keyboard help (${hint("everywhere", "help")})`} onClick={() => setHelpOpen(true)}><Icon name="help" /></button>
        </div>
      </header>
      <div className="banners">{data.leftOut.map((remark) => <Banner key={remark} kind="info"><span>{remark}</span></Banner>)}</div>
      <main className="content" id="main" tabIndex={-1}><Guard of={JSON.stringify(route)}><Page route={route} /></Guard></main>
      <footer className="statusbar"><span className="wide">Report written {formatFullTime(BigInt(data.written))}</span><span className="end">headwater {data.version}</span></footer>
      {isHelpOpen && <Help route={route} onClose={() => setHelpOpen(false)} />}
      <Toast />
    </div>
  );
}

function Page({ route }: { route: Route }) {
  if (route.page === "trace") return <TracePage key={route.traceId} traceId={route.traceId} />;
  if (route.page === "run") return <RunPage run={route.run} />;
  return <TraceIndex />;
}

const sortKeys: Record<string, (row: TraceRow) => number> = {
  start: ({ start }) => Number(BigInt(start) / 1000n), duration: ({ duration }) => duration, spans: ({ spanCount }) => spanCount, errors: ({ errorCount }) => errorCount,
};

/** All traces of the report. */
function TraceIndex() {
  const [held, setHeld] = useState<{ rows: TraceRow[]; services: ServiceStyle[] } | undefined>(undefined);
  const [sort, setSort] = useState<TraceSort>("start");
  useEffect(() => {
    void allOutlines().then((outlines) => setHeld({ rows: outlines.map(({ header }) => header.summary), services: outlines.flatMap(({ services }) => services) }));
  }, []);
  if (!held) return <Placeholder label="Reading the traces" />;
  const key = sortKeys[sort.replace("-", "")]!;
  const rows = held.rows.toSorted((a, b) => (sort.startsWith("-") ? key(b) - key(a) : key(a) - key(b)));
  return (
    <div className="page">
      <h1 className="vh">Traces</h1>
      <TraceTable rows={rows} services={held.services} sort={sort} onSort={setSort} onNewRows={() => undefined} onIdle={() => undefined}>
        <p className="list-end"><span className="muted">{rows.length} traces</span>{rows[0] && <Link to={traceLink(rows[0].traceId)}>Open the first</Link>}</p>
      </TraceTable>
    </div>
  );
}

followTheme();
followAddress("hash");
followKeys();
const data = readReport();
if (typeof data !== "string") answerFrom(data);
createRoot(document.getElementById("app")!).render(typeof data === "string" ? <main><Empty isPage title={data} /></main> : <Report data={data} />);

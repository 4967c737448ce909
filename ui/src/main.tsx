// Where the page begins.

import { createRoot } from "react-dom/client";
import { followKeys } from "./state/keys.ts";
import { followTheme } from "./state/preferences.ts";
import { readRoute, type Route } from "./state/routes.ts";
import { useValue } from "./state/signals.ts";
import { followAddress, path } from "./state/url.ts";
import { Shell } from "./shell/Shell.tsx";
import { Guard, later } from "./ui/Guard.tsx";
import { Link } from "./ui/Link.tsx";
import { Empty } from "./ui/States.tsx";
import { TracesPage } from "./pages/traces/TracesPage.tsx";
import "./styles/all.css";

const TracePage = later(async () => (await import("./pages/trace/TracePage.tsx")).TracePage);
const MapPage = later(async () => (await import("./pages/map/MapPage.tsx")).MapPage);
const FindingsPage = later(async () => (await import("./pages/findings/FindingsPage.tsx")).FindingsPage);
const ChartsPage = later(async () => (await import("./pages/charts/ChartsPage.tsx")).ChartsPage);
const ComparePage = later(async () => (await import("./pages/compare/ComparePage.tsx")).ComparePage);
const DoctorPage = later(async () => (await import("./pages/doctor/DoctorPage.tsx")).DoctorPage);
const RunsPage = later(async () => (await import("./pages/evals/RunsPage.tsx")).RunsPage);
const RunPage = later(async () => (await import("./pages/evals/RunPage.tsx")).RunPage);

function Page({ route }: { route: Route }) {
  switch (route.page) {
    case "traces": return <TracesPage />;
    case "trace": return <TracePage key={route.traceId} traceId={route.traceId} />;
    case "map": return <MapPage />;
    case "findings": return <FindingsPage />;
    case "charts": return <ChartsPage />;
    case "compare": return <ComparePage />;
    case "doctor": return <DoctorPage />;
    case "runs": return <RunsPage />;
    case "run": return <RunPage key={route.run} run={route.run} />;
    case "missing": return <Empty isPage title={`There is no page “${route.path}”`}><Link to="traces" className="button">To the traces</Link></Empty>;
  }
}

function App() {
  const route = readRoute(useValue(path));
  return <Shell route={route}><Guard of={JSON.stringify(route)}><Page route={route} /></Guard></Shell>;
}

followTheme();
followAddress();
followKeys();
createRoot(document.getElementById("app")!).render(<App />);

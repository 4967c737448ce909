// The frame of every page: sections, status, help, and the page within.

import { type ReactNode, useEffect, useState } from "react";
import { api, tellWhenSignInNeeded } from "../api/client.ts";
import type { Info } from "../api/types.ts";
import { hint } from "../state/keymap.ts";
import { useCommands } from "../state/keys.ts";
import { connected, followLive, status } from "../state/live.ts";
import { useResource } from "../state/resource.ts";
import type { Route } from "../state/routes.ts";
import { useValue } from "../state/signals.ts";
import { go } from "../state/url.ts";
import { copyLink } from "../ui/Copy.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Logo, ThemeSwitch } from "../ui/Frame.tsx";
import { Link } from "../ui/Link.tsx";
import { Banner } from "../ui/States.tsx";
import { Toast } from "../ui/Toast.tsx";
import { Help } from "./Help.tsx";
import { Palette } from "./Palette.tsx";
import { SignIn } from "./SignIn.tsx";
import { StatusBar } from "./StatusBar.tsx";

const sections: { to: string; label: string; pages: Route["page"][]; command: string }[] = [
  { to: "traces", label: "Traces", pages: ["traces", "trace"], command: "goTraces" },
  { to: "map", label: "Map", pages: ["map"], command: "goMap" },
  { to: "charts", label: "Charts", pages: ["charts"], command: "goCharts" },
  { to: "findings", label: "Findings", pages: ["findings"], command: "goFindings" },
  { to: "evals", label: "Evals", pages: ["runs", "run"], command: "goEvals" },
  { to: "compare", label: "Compare", pages: ["compare"], command: "goCompare" },
  { to: "doctor", label: "Doctor", pages: ["doctor"], command: "goDoctor" },
];

export function Shell({ route, children }: { route: Route; children: ReactNode }) {
  const [open, setOpen] = useState<"help" | "palette" | undefined>(undefined);
  /** Dialogs tell of their end a little later: by then another may be open. */
  const close = (which: typeof open) => setOpen((now) => (now === which ? undefined : now));
  const info = useResource("info", api.info);
  const [signInNeeded, setSignInNeeded] = useState(false);
  useEffect(followLive, []);
  useEffect(() => tellWhenSignInNeeded(() => setSignInNeeded(true)), []);
  useCommands({
    help: () => setOpen("help"),
    palette: () => setOpen("palette"),
    ...Object.fromEntries(sections.map(({ command, to }) => [command, () => go(to)])),
    copyLink,
  });
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={skipToMain}>Skip to the content</a>
      <header className="topbar">
        <Link to="traces" className="brand" aria-label="Headwater, list of traces"><Logo /><span>Headwater</span></Link>
        <nav className="nav" aria-label="Sections">
          {sections.map(({ to, label, pages, command }) => (
            <Link key={to} to={to} title={`${label} (${hint("everywhere", command)})`} aria-current={pages.includes(route.page) ? "page" : undefined}>{label}</Link>
          ))}
        </nav>
        <div className="topbar-end">
          <button type="button" className="jump" aria-label={`Go to… ${hint("everywhere", "palette")}`} title="Go to a page, a trace id or a command" onClick={() => setOpen("palette")}><Icon name="search" /><span>Go to…</span><kbd>{hint("everywhere", "palette")}</kbd></button>
          <ThemeSwitch />
          <button type="button" className="button quiet icon" aria-label="Keyboard help" title={`Keyboard help (${hint("everywhere", "help")})`} onClick={() => setOpen("help")}><Icon name="help" /></button>
        </div>
      </header>
      <div className="banners"><Banners info={info.data} /></div>
      <main className="content" id="main" tabIndex={-1}>{children}</main>
      <StatusBar info={info.data} />
      {open === "help" && <Help route={route} onClose={() => close("help")} />}
      {open === "palette" && <Palette onClose={() => close("palette")} onHelp={() => setOpen("help")} />}
      {signInNeeded && <SignIn onClose={() => setSignInNeeded(false)} />}
      <Toast />
    </div>
  );
}

/** `href` alone would lead to the base's own page. */
function skipToMain(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** What concerns every page: no server, nothing stored any more, a page older than its server. */
function Banners({ info }: { info: Info | undefined }) {
  const isConnected = useValue(connected);
  const now = useValue(status);
  const build = document.querySelector<HTMLMetaElement>('meta[name="headwater-ui-build"]')?.content;
  return (
    <>
      {isConnected === false && <Banner kind="error"><span>No connection to the server; what is shown may be old. Trying again…</span></Banner>}
      {now?.storing.fault && <Banner kind="error"><span><strong>Nothing can be stored:</strong> {now.storing.fault}</span></Banner>}
      {info?.uiBuild && build && info.uiBuild !== build && (
        <Banner kind="info"><span>The server has a newer version of this page.</span><button type="button" className="button" onClick={() => location.reload()}>Reload</button></Banner>
      )}
    </>
  );
}

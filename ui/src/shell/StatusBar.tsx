// The strip at the bottom: what comes in, what is kept, what it listens on.

import type { Info } from "../api/types.ts";
import { formatBytes, formatCount } from "../engine/time.ts";
import { connected, refusedOf, status } from "../state/live.ts";
import { useValue } from "../state/signals.ts";

export function StatusBar({ info }: { info: Info | undefined }) {
  const now = useValue(status);
  const isConnected = useValue(connected);
  const receiving = now?.receiving;
  const refused = receiving ? refusedOf(receiving) : 0;
  const forwardingTrouble = now?.forwarding.filter((destination) => destination.state === "stopped" || destination.state === "retrying") ?? [];
  return (
    <footer className="statusbar">
      <span><span className={`status-dot${isConnected === false ? " off" : ""}`} />{isConnected === false ? "disconnected" : receiving ? `${formatCount(Math.round(receiving.spansPerSecond))} spans/s` : "connecting…"}</span>
      {receiving && <span className={refused > 0 ? "warn-text" : ""} title={receiving.lastRejection ? `Last: ${receiving.lastRejection.error}` : undefined}>{formatCount(refused)} refused</span>}
      {now && <span className="wide">{formatCount(now.storing.traces)} traces · {formatBytes(now.storing.bytes)}{info?.retentionBytes ? ` of ${formatBytes(info.retentionBytes)}` : ""}</span>}
      {forwardingTrouble.length > 0 && <span className="warn-text" title={forwardingTrouble.map(({ name, lastError }) => `${name}: ${lastError ?? ""}`).join("; ")}>{forwardingTrouble.length} destination{forwardingTrouble.length > 1 ? "s" : ""} not reached</span>}
      <span className="wide end">{info && [info.otlpGrpc && `OTLP gRPC ${info.otlpGrpc}`, info.otlpHttp && `HTTP ${info.otlpHttp}`].filter(Boolean).join(" · ")}</span>
      {info && <span>v{info.version}</span>}
    </footer>
  );
}

// Keeps the view of a trace and the address bar together.

import { useEffect } from "react";
import { api } from "../../api/client.ts";
import { switchCodec, windowCodec, wordCodec } from "../../state/codecs.ts";
import { effect } from "../../state/signals.ts";
import { pictures, type TraceView } from "../../state/trace-view.ts";
import { changeQuery, place } from "../../state/url.ts";
import { isWhole } from "../../engine/viewport.ts";

export const tabs = ["overview", "attributes", "events", "links", "logs", "llm", "raw"] as const;
export type SpanTab = (typeof tabs)[number];
export const tabCodec = wordCodec(tabs);
const outsideCodec = switchCodec(true);
const criticalCodec = switchCodec(true);
const pictureCodec = wordCodec(pictures);
const findingsCodec = switchCodec(false);

/** Sets the view from the address bar; `onMissing` is told of a span id that the trace does not have. */
export async function readViewFromUrl(view: TraceView, onMissing: (spanId: string) => void): Promise<void> {
  const { query } = place.peek();
  const window = windowCodec.read(query["w"]);
  if (window) view.goTo(window);
  else if (!isWhole(view.window.value, view.all)) view.fit();
  view.findText.value = query["q"] ?? "";
  view.hideOutside.value = outsideCodec.read(query["rows"]);
  view.showCritical.value = criticalCodec.read(query["crit"]);
  view.picture.value = pictureCodec.read(query["v"]);
  view.findingsOpen.value = findingsCodec.read(query["f"]);
  const spanId = query["span"];
  if (!spanId) {
    view.selected.value = -1;
    return;
  }
  try {
    const { rows } = await api.rowOf(view.outline.header.traceId, spanId, undefined, view.outline.clocks);
    if (rows.length === 0) onMissing(spanId);
    else view.select(rows[0]!);
  } catch {
    onMissing(spanId);
  }
}

/** Writes the view into the address bar as it changes. The selected span is written by the panel, which knows its id. */
export function useViewInUrl(view: TraceView): void {
  useEffect(() => {
    let first = true;
    return effect(() => {
      const window = view.window.value;
      const changes = {
        w: isWhole(window, view.all) ? undefined : windowCodec.write(window),
        q: view.findText.value,
        rows: outsideCodec.write(view.hideOutside.value),
        crit: criticalCodec.write(view.showCritical.value),
        v: pictureCodec.write(view.picture.value),
        f: findingsCodec.write(view.findingsOpen.value),
      };
      if (!first) changeQuery(changes, "soon");
      first = false;
    });
  }, [view]);
}

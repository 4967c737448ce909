// The waterfall: rows as DOM (an ARIA treegrid whose text can be read and selected), bars on one canvas that lies in the
// scrolled content, so that scrolling cannot shear them apart. Only rows in view exist.

import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { drawBars, hitsBar } from "../../engine/bars.ts";
import { fitCanvas } from "../../engine/canvas.ts";
import { formatCount } from "../../engine/time.ts";
import { positionOf } from "../../engine/visible.ts";
import { nameBounds, namesWithin, nameWidth, rowHeight, theme } from "../../state/preferences.ts";
import { useValue } from "../../state/signals.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { Splitter } from "../../ui/Splitter.tsx";
import { Axis, ticksFor } from "./Axis.tsx";
import { describeRow } from "./describe-row.ts";
import { RowTip } from "./RowTip.tsx";
import { WaterfallRow } from "./WaterfallRow.tsx";
import { usePixelRatio, useSize } from "../../ui/use-size.ts";
import { useWheel } from "./use-wheel.ts";

/** Rows kept ready above and below the view. */
const OVERSCAN_ROWS = 8;
/** Left free at the right, so that a bar that fills the window does not look cut. */
const MARGIN_PX = 10;

export function Waterfall({ view, element }: { view: TraceView; element: RefObject<HTMLDivElement | null> }) {
  const rows = useValue(view.rows);
  const window = useValue(view.window);
  const selected = useValue(view.selected);
  const hovered = useValue(view.hovered);
  const showCritical = useValue(view.showCritical);
  const findText = useValue(view.findText);
  const matchSet = useValue(view.matchSet);
  const stressed = useValue(view.stressed);
  const shown = useValue(theme);
  const height = useValue(rowHeight);
  const names = useValue(nameWidth);
  const ratio = usePixelRatio();
  const size = useSize(element);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [tip, setTip] = useState<{ row: number; x: number; y: number } | undefined>(undefined);

  useLayoutEffect(() => {
    // What lies above the rows leaves out the width of their scroll bar too.
    const rowsElement = element.current!;
    rowsElement.closest<HTMLElement>(".trace-main")?.style.setProperty("--gutter", `${rowsElement.offsetWidth - rowsElement.clientWidth}px`);
  }, [element, size]);

  const namesShown = namesWithin(size.width, names);
  const barsWidth = Math.max(size.width - namesShown - MARGIN_PX, 10);
  const first = Math.max(0, Math.min(Math.floor(scrollTop / height), rows.length - 1) - OVERSCAN_ROWS);
  const last = Math.min(rows.length, first + Math.ceil(size.height / height) + 2 * OVERSCAN_ROWS);
  const inView = rows.subarray(first, last);
  const isFinding = findText.trim() !== "";
  const apart = isFinding ? matchSet : stressed;

  useLayoutEffect(() => {
    const context = canvas.current && size.width > 0 ? fitCanvas(canvas.current, barsWidth, Math.max(1, inView.length * height), ratio) : null;
    if (!context) return;
    drawBars(context, {
      outline: view.outline, segments: view.segments, rows: inView, width: barsWidth, rowHeight: height, window, theme: shown, selected, showCritical, groupOf: (row) => view.foldedGroup(row),
      ...(apart ? { matches: apart } : {}), ticks: ticksFor(window, barsWidth),
    });
  });

  // The selected row comes into view when it changes, not when somebody scrolls away from it.
  useEffect(() => {
    const scroll = element.current;
    const at = positionOf(rows, selected);
    if (!scroll || at < 0) return;
    const [top, bottom] = [at * height, (at + 1) * height];
    if (top < scroll.scrollTop) scroll.scrollTop = Math.max(0, top - 2 * height);
    else if (bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = bottom - scroll.clientHeight + 2 * height;
    // oxlint-disable-next-line react/exhaustive-deps
  }, [selected, rows]);

  useWheel(view, element, namesShown, barsWidth);

  const rowAt = useCallback((event: MouseEvent) => {
    const layer = element.current!.getBoundingClientRect();
    const row = rows[Math.floor((event.clientY - layer.top + element.current!.scrollTop) / height)];
    return { row: row ?? -1, x: event.clientX - layer.left - namesShown };
  }, [rows, height, namesShown, element]);

  const onPointerMove = (event: PointerEvent) => {
    const { row, x } = rowAt(event);
    view.hovered.value = row;
    if (row >= 0 && x > 0 && event.buttons === 0 && hitsBar({ outline: view.outline, width: barsWidth, window }, row, x)) setTip({ row, x: event.clientX, y: event.clientY });
    else if (tip) setTip(undefined);
  };
  const selectedAt = positionOf(rows, selected);
  // Always rendered: the grid's active descendant must exist.
  const selectedOutside = selectedAt >= 0 && (selectedAt < first || selectedAt >= last);
  const row = (at: number, top: number) => (
    <WaterfallRow
      key={at >= first && at < last ? at % (last - first) : "selected"} view={view} row={rows[at]!} position={at} top={top} height={height} names={namesShown}
      isSelected={rows[at] === selected} isHovered={rows[at] === hovered} isCollapsed={view.isCollapsed(rows[at]!)} folded={view.foldedGroup(rows[at]!)} alike={view.openGroup(rows[at]!)?.rows.length ?? 0} isMatch={isFinding && matchSet.has(rows[at]!)} isDimmed={apart !== undefined && !apart.has(rows[at]!) && !view.foldedGroup(rows[at]!)?.rows.some((one) => apart.has(one))}
    />
  );
  return (
    <div className="waterfall">
      <div className="waterfall-head">
        <div className="names-head" style={{ width: namesShown }}>Service and operation <span className="muted">{formatCount(rows.length)} of {formatCount(view.outline.n)} rows</span></div>
        <Splitter width={nameWidth} {...nameBounds} side="left" label="Width of the names" />
        <Axis view={view} window={window} width={barsWidth} />
      </div>
      <div
        ref={element} className="rows" role="treegrid" tabIndex={0} aria-label="Spans" aria-rowcount={rows.length} aria-colcount={2} aria-activedescendant={selectedAt >= 0 ? `row-${selected}` : undefined}
        onScroll={(event) => { setScrollTop(event.currentTarget.scrollTop); setTip(undefined); }} onPointerMove={onPointerMove} onPointerLeave={() => { view.hovered.value = -1; setTip(undefined); }}
        onClick={(event) => { const { row: clicked } = rowAt(event); if (clicked >= 0 && !(event.target as Element).closest(".twisty,.fold")) view.inspect(clicked); }}
        onDblClick={(event) => { const { row: clicked, x } = rowAt(event); if (clicked >= 0 && x > 0) view.zoomToSpan(clicked); }}
        onKeyDown={() => undefined}
      >
        <div className="rows-space" role="presentation" style={{ height: rows.length * height }}>
          {Array.from({ length: last - first }, (_, offset) => row(first + offset, (first + offset) * height))}
          {selectedOutside && row(selectedAt, selectedAt * height)}
          <canvas ref={canvas} className="bars" aria-hidden="true" style={{ left: namesShown, transform: `translateY(${first * height}px)` }} />
        </div>
        {rows.length === 0 && <p className="rows-empty muted">No span in this window.</p>}
      </div>
      {tip && <RowTip view={view} row={tip.row} x={tip.x} y={tip.y} />}
      <p className="vh" role="status">{selected >= 0 ? describeRow(view, selected) : ""}</p>
    </div>
  );
}

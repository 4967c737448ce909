// One row's name cell; its bar is drawn on the canvas.

import { memo } from "react";
import { groupFacts, type Group } from "../../engine/groups.ts";
import { Flag, nameOf, serviceOf } from "../../engine/outline.ts";
import { formatDuration } from "../../engine/time.ts";
import { hint } from "../../state/keymap.ts";
import type { TraceView } from "../../state/trace-view.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Monogram } from "../../ui/Service.tsx";
import { describeRow } from "./describe-row.ts";

const INDENT_PX = 12;
/** Deeper rows are not indented further; they say their depth instead. */
const INDENT_LEVELS_MAX = 24;

interface WaterfallRowProps {
  view: TraceView;
  row: number;
  position: number;
  top: number;
  height: number;
  names: number;
  isSelected: boolean;
  isHovered: boolean;
  isCollapsed: boolean;
  /** A folded group of siblings alike, which this row stands for. */
  folded: Group | undefined;
  /** How many siblings alike begin with this row, where they are not folded. */
  alike: number;
  isMatch: boolean;
  isDimmed: boolean;
}

export const WaterfallRow = memo(function WaterfallRow({ view, row, position, top, height, names, isSelected, isHovered, isCollapsed, folded, alike, isMatch, isDimmed }: WaterfallRowProps) {
  const { outline } = view;
  const flags = outline.flags[row]!;
  const look = serviceOf(outline, row);
  const hasChildren = view.hasChildren(row) || folded !== undefined;
  const isClosed = isCollapsed || folded !== undefined;
  const depth = outline.depth[row]!;
  const indent = Math.min(depth, INDENT_LEVELS_MAX, Math.floor((names * 0.45) / INDENT_PX));
  const state = `${isSelected ? " selected" : ""}${isHovered ? " hovered" : ""}${isMatch ? " match" : ""}${isDimmed ? " faded" : ""}${flags & Flag.synthetic ? " synthetic" : ""}`;
  return (
    <div role="row" id={`row-${row}`} className={`row${state}`} aria-level={depth + 1} aria-rowindex={position + 1} aria-selected={isSelected} {...(hasChildren ? { "aria-expanded": !isClosed } : {})} style={{ top, height }}>
      <div role="gridcell" className="name-cell" style={{ width: names, paddingLeft: 6 + indent * INDENT_PX }}>
        {/* The treegrid's arrow keys do the same. */}
        <span className="twisty" aria-hidden="true" onClick={(event) => { event.stopPropagation(); view.toggle(row); }}>{hasChildren && <Icon name={isClosed ? "chevronRight" : "chevronDown"} />}</span>
        {depth > indent && <span className="depth muted" title={`Depth ${depth}`}>{depth}</span>}
        <Monogram look={look} />
        <span className="names"><span className="service">{look.name}</span> <span className="operation">{nameOf(outline, row) || "(no name)"}</span></span>
        {folded && <GroupFactsOf view={view} group={folded} />}
        {alike > 0 && <span aria-hidden="true" className="hidden-count fold" title={`Fold ${alike} siblings alike into one row (${hint("trace", "group")})`} onClick={(event) => { event.stopPropagation(); view.toggleGroup(row); }}>×{alike}</span>}
        {isCollapsed && !folded && <span className="hidden-count" title={`${outline.sub[row]! - 1} rows inside`}>+{outline.sub[row]! - 1}</span>}
        {(flags & Flag.llm) !== 0 && <span className="mark" title="A call to a model, retrieval or tool"><Icon name="llm" label="LLM" /></span>}
        {!folded && (flags & Flag.error) !== 0 && <span className="mark error-text" title="Error"><Icon name="error" label="error" /></span>}
        {(flags & (Flag.odd | Flag.synthetic | Flag.unfinished)) !== 0 && <span className="mark warn-text" title="Broken data: see the details"><Icon name="warn" label="broken data" /></span>}
      </div>
      <div role="gridcell" className="vh">{describeRow(view, row)}</div>
    </div>
  );
});

/** `×12 · p50 3 ms · most 40 ms · 1 error`. */
function GroupFactsOf({ view, group }: { view: TraceView; group: Group }) {
  const { count, median, longest, errors } = groupFacts(view.outline, group.rows);
  return (
    <span className="group-facts">
      {errors > 0 && <span className="error-text" title={`${errors} with an error`}><Icon name="error" label="errors" />{errors}</span>}
      <strong title={`${count} siblings alike: half within ${formatDuration(median)}, the longest ${formatDuration(longest)}`}>×{count}</strong>
    </span>
  );
}

// Places the boxes and lines of a graph, left to right, off the page's thread.

import { graphlib, layout } from "@dagrejs/dagre";

export interface GraphRequest {
  id: number;
  nodes: { name: string; width: number; height: number }[];
  edges: { from: string; to: string }[];
  /** Room that a line's label takes. */
  label: { width: number; height: number };
}

export interface Point {
  x: number;
  y: number;
}

export interface GraphAnswer {
  id: number;
  width: number;
  height: number;
  /** Centres, in the order asked for. */
  nodes: Point[];
  /** Bends of each line, in the order asked for; and where its label stands. */
  edges: { points: Point[]; label: Point }[];
}

export function place({ id, nodes, edges, label }: GraphRequest): GraphAnswer {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 26, ranksep: 76, marginx: 16, marginy: 16 });
  // Names come from outside; an index cannot be mistaken for a property of the library's objects.
  const index = new Map(nodes.map(({ name }, at) => [name, String(at)]));
  for (const [at, { width, height }] of nodes.entries()) graph.setNode(String(at), { width, height });
  for (const [at, { from, to }] of edges.entries()) {
    graph.setEdge(index.get(from)!, index.get(to)!, { ...label, labelpos: "c" }, String(at));
  }
  layout(graph);
  const size = graph.graph() as { width: number; height: number };
  return {
    id,
    width: size.width,
    height: size.height,
    nodes: nodes.map((_, at) => graph.node(String(at)) as unknown as Point).map(({ x, y }) => ({ x, y })),
    edges: edges.map(({ from, to }, at) => {
      const edge = graph.edge(index.get(from)!, index.get(to)!, String(at)) as unknown as { points: Point[]; x?: number; y?: number };
      const middle = edge.points[Math.floor(edge.points.length / 2)]!;
      return { points: edge.points, label: { x: edge.x ?? middle.x, y: edge.y ?? middle.y } };
    }),
  };
}

// In a worker only: tests import `place` alone.
if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
  self.onmessage = (event: MessageEvent<GraphRequest>) => self.postMessage(place(event.data));
}

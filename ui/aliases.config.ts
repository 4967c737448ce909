// The source says `react`; it is built on Preact. Remove these and install React to build on that instead.
export const aliases = [
  { find: /^react\/jsx-(dev-)?runtime$/, replacement: "preact/jsx-runtime" },
  { find: /^react-dom\/client$/, replacement: "preact/compat/client" },
  { find: /^react$/, replacement: "preact/compat" },
];

// The safe part of Markdown that models write: headings, paragraphs, lists, code, emphasis. No HTML, no links that act,
// no pictures: everything else is shown as the text it is.

import type { ReactNode } from "react";

/** Text beyond this is shown as it is: laying it out would hold the page up. */
const LETTERS_MAX = 100_000;

interface Block {
  kind: "paragraph" | "heading" | "code" | "bullets" | "numbers" | "quote";
  lines: string[];
}

/** Cuts text into blocks, line by line. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  let inCode = false;
  const add = (kind: Block["kind"], line: string) => {
    if (open?.kind === kind && kind !== "heading") open.lines.push(line);
    else blocks.push((open = { kind, lines: [line] }));
  };
  for (const line of text.split("\n")) {
    if (/^\s*```/.test(line)) {
      inCode = !inCode;
      if (inCode) blocks.push((open = { kind: "code", lines: [] }));
      else open = undefined;
    } else if (inCode) open!.lines.push(line);
    else if (line.trim() === "") open = undefined;
    else if (/^#{1,6} /.test(line)) add("heading", line.replace(/^#+ /, ""));
    else if (/^\s*[-*+] /.test(line)) add("bullets", line.replace(/^\s*[-*+] /, ""));
    else if (/^\s*\d{1,9}[.)] /.test(line)) add("numbers", line.replace(/^\s*\d+[.)] /, ""));
    else if (line.startsWith("> ")) add("quote", line.slice(2));
    else add("paragraph", line);
  }
  return blocks;
}

/** `code`, **strong** and *emphasis* within a line. */
function inline(text: string): ReactNode[] {
  return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*|\*[^*\s][^*\n]*\*)/g).map((part, index) => {
    if (part.length > 2 && part.startsWith("`")) return <code key={index}>{part.slice(1, -1)}</code>;
    if (part.length > 4 && part.startsWith("**")) return <strong key={index}>{part.slice(2, -2)}</strong>;
    if (part.length > 2 && part.startsWith("*") && part.endsWith("*")) return <em key={index}>{part.slice(1, -1)}</em>;
    return part;
  });
}

function renderBlock({ kind, lines }: Block, index: number) {
  switch (kind) {
    case "heading": return <p key={index}><strong>{inline(lines[0]!)}</strong></p>;
    case "code": return <pre key={index}>{lines.join("\n")}</pre>;
    case "bullets": return <ul key={index}>{lines.map((line, at) => <li key={at}>{inline(line)}</li>)}</ul>;
    case "numbers": return <ol key={index}>{lines.map((line, at) => <li key={at}>{inline(line)}</li>)}</ol>;
    case "quote": return <blockquote key={index}>{inline(lines.join("\n"))}</blockquote>;
    case "paragraph": return <p key={index}>{inline(lines.join("\n"))}</p>;
  }
}

export function Markdown({ text }: { text: string }) {
  if (text.length > LETTERS_MAX) return <pre className="message-text">{text}</pre>;
  return <div className="markdown">{blocksOf(text).map(renderBlock)}</div>;
}

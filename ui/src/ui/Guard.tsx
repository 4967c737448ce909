// Keeps a fault in one pane from taking the page down, and loads pages when they are first shown.

import { Component, type ComponentType, type ReactNode, useEffect, useState } from "react";
import { toError } from "../api/error.ts";
import { copyAndSay } from "./Copy.tsx";
import { Placeholder } from "./States.tsx";

interface GuardProps {
  children: ReactNode;
  /** Trying again happens when this changes. */
  of: string;
}

export class Guard extends Component<GuardProps, { error: Error | undefined; of: string }> {
  override state = { error: undefined as Error | undefined, of: this.props.of };

  static override getDerivedStateFromError(error: unknown) {
    return { error: toError(error) };
  }

  static override getDerivedStateFromProps(props: GuardProps, state: { of: string }) {
    return props.of === state.of ? null : { error: undefined, of: props.of };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    const copy = () => copyAndSay(`${error.stack ?? error.message}\n${location.href}`, "Copied");
    return (
      <div className="empty" role="alert">
        <h2>This part of the page failed</h2>
        <p>{error.message}</p>
        <button type="button" className="button" onClick={() => this.setState({ error: undefined })}>Try again</button>{" "}
        <button type="button" className="button" onClick={copy}>Copy diagnostic</button>
      </div>
    );
  }
}

/** A component in a chunk of its own. A chunk that cannot be loaded is told of and can be tried again. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Later(props: P) {
    const [, again] = useState(0);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded || failed) return;
      load().then(
        (component) => {
          loaded = component;
          again((turn) => turn + 1);
        },
        () => setFailed(true),
      );
    }, [failed]);
    if (loaded) {
      const Loaded = loaded;
      return <Loaded {...props} />;
    }
    if (!failed) return <Placeholder />;
    return (
      <div className="empty" role="alert">
        <h2>A part of the page could not be loaded</h2>
        <p>The server may have been upgraded or stopped.</p>
        <button type="button" className="button" onClick={() => setFailed(false)}>Try again</button>{" "}
        <button type="button" className="button" onClick={() => location.reload()}>Reload the page</button>
      </div>
    );
  };
}

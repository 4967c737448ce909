// Asked for when the server wants a token: it answers with a cookie that scripts cannot read.

import { useState } from "react";
import { api } from "../api/client.ts";
import { toError } from "../api/error.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { describe } from "../ui/States.tsx";

export function SignIn({ onClose }: { onClose: () => void }) {
  const [token, setToken] = useState("");
  const [failure, setFailure] = useState("");
  const send = async () => {
    try {
      await api.signIn(token);
      // What was refused is asked for again, at the same address.
      location.reload();
    } catch (error) {
      const { error: text, hint } = describe(toError(error));
      setFailure(hint ? `${text}: ${hint}` : text);
    }
  };
  return (
    <Dialog title="Sign in" onClose={onClose}>
      <form className="sign-in" onSubmit={(event) => { event.preventDefault(); void send(); }}>
        <p>This server asks for the token it was started with.</p>
        <label>Token <input className="input wide" type="password" autocomplete="current-password" required value={token} aria-describedby="sign-in-failure" onInput={(event) => setToken(event.currentTarget.value)} /></label>
        <p id="sign-in-failure" className="error-text" role="alert">{failure}</p>
        <button type="submit" className="button primary">Sign in</button>
      </form>
    </Dialog>
  );
}

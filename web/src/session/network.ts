/**
 * When the browser says that the network has changed under us.
 *
 * Rule: a hint and no more. `navigator.connection` also tells each new estimate of speed; only another kind counts.
 */

interface Connection extends EventTarget {
  readonly type?: string;
}

/** Calls `changed` each time; returns how to stop. */
export function onNetworkChange(changed: () => void): () => void {
  if (typeof window === "undefined") return () => undefined;
  const connection = (navigator as { connection?: Connection }).connection;
  let type = connection?.type;
  const judge = (): void => {
    if (connection?.type === type) return;
    type = connection?.type;
    changed();
  };
  window.addEventListener("online", changed);
  connection?.addEventListener("change", judge);
  return () => {
    window.removeEventListener("online", changed);
    connection?.removeEventListener("change", judge);
  };
}

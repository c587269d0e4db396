/** Short lines about what just happened; they go by themselves, or when what they tell is over. */
import type { JSX } from "preact";
import { useInterface, useStore } from "./actions";
import { CloseIcon } from "./icons";
import { WaitingLine } from "./progress";

export function Toasts(): JSX.Element {
  const toasts = useStore((state) => state.toasts);
  const waiting = useStore((state) => (state.phase === "reconnecting" ? state.waiting : null));
  const { store } = useInterface();
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} class={`toast ${toast.kind}`}>
          <span class="toast-text">{toast.text}</span>
          {toast.action && (
            <button type="button" class="small" onClick={toast.action.run}>
              {toast.action.label}
            </button>
          )}
          <button type="button" class="plain" aria-label="Dismiss" onClick={() => store.dropToast(toast.id)}>
            <CloseIcon />
          </button>
        </div>
      ))}
      {waiting && <WaitingLine waiting={waiting} />}
    </div>
  );
}

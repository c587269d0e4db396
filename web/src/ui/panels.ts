/**
 * Opening and closing what lies over the world.
 *
 * Rule: whatever takes the keyboard gives it back when it closes.
 */
import type { Interface } from "./actions";

/** Shows a panel; the chat takes the keyboard as well. Asked for the people twice, they are put away again. */
export function openPanel(ui: Interface, panel: "chat" | "people"): void {
  const { store, actions } = ui;
  if (store.get().panel === panel && panel === "people") return closePanel(ui);
  store.set({ panel, ...(panel === "chat" && { unread: 0 }) });
  if (panel !== "chat") return;
  actions.steer(false);
  const field = document.getElementById("chat-field");
  if (document.activeElement !== field) field?.focus({ preventScroll: true });
}

export function closePanel({ store, actions }: Interface): void {
  store.set({ panel: null });
  actions.steer(true);
}

export function openHelp({ store, actions }: Interface): void {
  actions.steer(false);
  store.set({ help: true });
}

/**
 * What a visitor can do, as the interface knows it.
 *
 * Rule: components call these and read the store; none of them knows the session, Matrix or the scene.
 */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { ChatMessage } from "../matrix/timeline";
import type { AppState, Store } from "../session/state";

export interface Remembered {
  readonly name: string;
  readonly avatar: string;
}

export interface Actions {
  enter(name: string, avatar: string): void;
  remembered(): Remembered;
  say(text: string): void;
  retry(message: ChatMessage): void;
  /** Out of the world, back to the start page. */
  leave(): void;
  wave(): void;
  copyLink(): Promise<boolean>;
  /** The keyboard goes to the interface (false) or back to the world (true), with the focus unless `focus` is false. */
  steer(on: boolean, focus?: boolean): void;
  goTo(path: string): void;
  again(): void;
}

export interface Interface {
  readonly store: Store;
  readonly actions: Actions;
}

const Context = createContext<Interface | null>(null);
export const InterfaceProvider = Context.Provider;

export function useInterface(): Interface {
  const value = useContext(Context);
  if (!value) throw new Error("components live inside InterfaceProvider");
  return value;
}

export function useActions(): Actions {
  return useInterface().actions;
}

/** The part of the state that `select` picks; renders again only when it changes. */
export function useStore<T>(select: (state: AppState) => T): T {
  const { store } = useInterface();
  const [, setPicked] = useState(() => ({ value: select(store.get()) }));
  useEffect(() => {
    let last = select(store.get());
    const look = (): void => {
      const value = select(store.get());
      if (Object.is(value, last)) return;
      last = value;
      setPicked({ value });
    };
    setPicked((picked) => (Object.is(picked.value, last) ? picked : { value: last }));
    return store.subscribe(look);
  }, [store]); // `select` is pure and the same at every call site
  return select(store.get());
}

/** Whole seconds until `until` (Date.now()), counted down while shown. */
export function useCountdown(until: number): number {
  const [, again] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => again((n) => n + 1), 250);
    return () => clearInterval(timer);
  }, [until]);
  return Math.max(0, Math.ceil((until - Date.now()) / 1_000));
}

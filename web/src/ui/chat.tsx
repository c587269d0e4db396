/**
 * The chat: the room's messages as text, and a line to write in.
 *
 * Rule: the line is always there, so that a key or a click leads straight into it; the messages unfold above it, and
 * while they are folded the newest show over the world for a moment.
 */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ChatMessage } from "../matrix/timeline";
import { LONGEST_MESSAGE, senderName } from "../session/chat";
import { useActions, useInterface, useStore } from "./actions";
import { CloseIcon, SendIcon } from "./icons";
import { closePanel, openPanel } from "./panels";

/** A message is told apart from the next by who wrote it and when; within this many ms they share a heading. */
const SAME_BREATH_MS = 5 * 60_000;
/** How long the last lines stay in sight over the world, in ms. */
const PEEK_MS = 9_000;

function useNamer(): (userId: string) => string {
  const people = useStore((state) => state.people);
  const names = useStore((state) => state.names);
  return (userId) => senderName(userId, people, names);
}

function time(timestamp: number): string {
  return new Date(timestamp).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function ChatDock(): JSX.Element {
  const ui = useInterface();
  const open = useStore((state) => state.panel === "chat");
  const away = useStore((state) => state.homeserverAway);
  return (
    <section class={`chat ${open ? "open" : "folded"}`} aria-label="Chat">
      {open ? (
        <>
          <header class="panel-head">
            <h2>Chat</h2>
            <button type="button" class="plain" aria-label="Close the chat" onClick={() => closePanel(ui)}>
              <CloseIcon />
            </button>
          </header>
          <Messages />
          {away && <p class="banner">The homeserver is away. Messages go out when it is back.</p>}
        </>
      ) : (
        <Peek />
      )}
      <Composer />
    </section>
  );
}

function Messages(): JSX.Element {
  const chat = useStore((state) => state.chat);
  const self = useStore((state) => state.selfUserId);
  const name = useNamer();
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (list.current && atEnd.current) list.current.scrollTop = list.current.scrollHeight;
  }, [chat]);
  const scrolled = (): void => {
    const box = list.current;
    if (box) atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  };
  return (
    <div class="messages" ref={list} onScroll={scrolled} role="log" aria-live="polite" aria-label="Messages" tabIndex={0}>
      <ol>
        {chat.length === 0 && <li class="no-messages">Nobody has written anything yet. Say hello.</li>}
        {chat.map((message, index) => (
          <Message
            key={message.txn ?? message.id}
            message={message}
            mine={message.sender === self}
            name={name(message.sender)}
            heading={startsGroup(chat[index - 1], message)}
          />
        ))}
      </ol>
    </div>
  );
}

function startsGroup(before: ChatMessage | undefined, message: ChatMessage): boolean {
  return (
    before === undefined ||
    before.sender !== message.sender ||
    before.kind !== message.kind ||
    message.timestamp - before.timestamp > SAME_BREATH_MS
  );
}

function Message(props: { message: ChatMessage; mine: boolean; name: string; heading: boolean }): JSX.Element {
  const { message, mine, name, heading } = props;
  const actions = useActions();
  const told = message.kind === "emote" || message.kind === "other";
  return (
    <li class={`message ${mine ? "mine" : ""} ${message.kind} ${message.state} ${heading ? "first" : ""}`}>
      {heading && !told && (
        <p class="message-head">
          <b>{name}</b> <time dateTime={new Date(message.timestamp).toISOString()}>{time(message.timestamp)}</time>
        </p>
      )}
      <p class="message-body">
        {told && <b>{name} </b>}
        {message.body}
        {message.edited && <small> (edited)</small>}
      </p>
      {message.state === "sending" && <small class="message-state">sending…</small>}
      {message.state === "failed" && (
        <button type="button" class="small warning" onClick={() => actions.retry(message)}>
          Not sent. Try again
        </button>
      )}
    </li>
  );
}

function Composer(): JSX.Element {
  const ui = useInterface();
  const closed = useStore((state) => state.chatClosed);
  const open = useStore((state) => state.panel === "chat");
  const [draft, setDraft] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  if (closed !== null) return <p class="chat-closed">{closed}</p>;
  const send = (): void => {
    ui.actions.say(draft);
    setDraft("");
  };
  const key = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const back = event.key === "Escape" || (event.key === "Enter" && draft.trim() === "");
    if (back) {
      event.preventDefault();
      event.stopPropagation();
      closePanel(ui);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    send();
    field.current?.focus();
  };
  return (
    <form class="composer" onSubmit={submit}>
      <textarea
        id="chat-field"
        ref={field}
        rows={1}
        aria-label="Message to everybody in this world"
        placeholder={open ? "Say something…" : "Say something… (T)"}
        maxLength={LONGEST_MESSAGE}
        value={draft}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onFocus={() => openPanel(ui, "chat")}
        onBlur={() => ui.actions.steer(true, false)}
        onKeyDown={key}
      />
      <button type="submit" class="primary round" aria-label="Send" disabled={draft.trim() === ""}>
        <SendIcon />
      </button>
    </form>
  );
}

/** The last lines, over the world, for a moment, while the chat is closed. */
function Peek(): JSX.Element | null {
  const chat = useStore((state) => state.chat);
  const name = useNamer();
  const [now, setNow] = useState(0);
  const arrived = useRef(new Map<string, number>());
  useEffect(() => {
    for (const message of chat) {
      const key = message.txn ?? message.id;
      // History that was there at our entering is no news.
      if (!arrived.current.has(key)) arrived.current.set(key, now === 0 ? -Infinity : Date.now());
    }
    setNow(Date.now());
    const timer = setTimeout(() => setNow(Date.now()), PEEK_MS + 50);
    return () => clearTimeout(timer);
  }, [chat]);
  const fresh = chat.filter((message) => now - (arrived.current.get(message.txn ?? message.id) ?? -Infinity) < PEEK_MS).slice(-4);
  if (fresh.length === 0) return null;
  return (
    <ul class="peek" aria-live="polite">
      {fresh.map((message) => (
        <li key={message.txn ?? message.id}>
          <b>{name(message.sender)}</b> {message.body}
        </li>
      ))}
    </ul>
  );
}

/** Who is here. */
import type { JSX } from "preact";
import type { Person } from "../session/state";
import { useStore } from "./actions";
import { Face } from "./picture";

const ROLES: Readonly<Record<Person["role"], string>> = {
  guest: "",
  visitor: "",
  builder: "builder",
  moderator: "moderator",
  owner: "owner",
};

export function People(): JSX.Element {
  const people = useStore((state) => state.people);
  const sorted = people.toSorted((a, b) => Number(b.self) - Number(a.self) || a.name.localeCompare(b.name));
  return (
    <ul class="people">
      {sorted.map((person) => (
        <li key={person.self ? "self" : person.id} title={person.userId}>
          <Face name={person.name} seed={person.userId} />
          <span class="person-name">{person.name}</span>
          {person.self && <span class="badge">you</span>}
          {ROLES[person.role] !== "" && <span class="badge warm">{ROLES[person.role]}</span>}
        </li>
      ))}
    </ul>
  );
}

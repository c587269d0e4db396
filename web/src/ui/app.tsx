/** Which page is shown. */
import type { JSX } from "preact";
import { standing } from "../session/machine";
import { InterfaceProvider, useStore, type Interface } from "./actions";
import { EndingPage } from "./ending";
import { EntryPage } from "./entry";
import { Inside } from "./inside";
import { StartPage } from "./start";

function Page(): JSX.Element {
  const page = useStore((state) => state.page);
  const phase = useStore((state) => state.phase);
  const ending = useStore((state) => state.ending);
  if (ending) return <EndingPage ending={ending} />;
  if (page === "start") return <StartPage />;
  return standing(phase) ? <Inside /> : <EntryPage />;
}

export function App({ ui }: { ui: Interface }): JSX.Element {
  return (
    <InterfaceProvider value={ui}>
      <Page />
    </InterfaceProvider>
  );
}

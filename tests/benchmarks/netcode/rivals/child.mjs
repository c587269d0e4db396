// What every program here is to the benchmark that starts it: it says one JSON value per line, and ends with its input.
// Rule: nothing outlives the process that started it.

/** Say something to the benchmark. */
export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** End when standard input does; `heard` gets each line before that. */
export function leash(heard = () => {}) {
  let rest = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) heard(line);
  });
  process.stdin.on("end", () => process.exit(0));
}

/** Call `step` every `period` ms, on time on average: setInterval runs a millisecond late each time. */
export function every(period, step) {
  let due = performance.now() + period;
  const turn = () => {
    step();
    const now = performance.now();
    due = Math.max(due + period, now - period);
    setTimeout(turn, Math.max(0, due - now));
  };
  setTimeout(turn, period);
}

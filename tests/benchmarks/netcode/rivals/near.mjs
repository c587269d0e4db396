// Whom a client is shown: the 64 nearest others, chosen anew for a tenth of the clients at each tick.
// Rule: the policy of Roomscale's node, written as one writes it in JavaScript, so that rivals do the same work.

const VISIBLE = 64;
const SHARE = 10; // a client's others are chosen every tenth tick
const SCALE = 4096; // more than there are clients: a key holds distance² above and who below

export class Near {
  #clients = [];
  #x = new Float64Array(SCALE);
  #z = new Float64Array(SCALE);
  #turn = 0;

  add(client) {
    client.row = this.#clients.push(client) - 1;
  }

  remove(client) {
    if (this.#clients[client.row] !== client) return;
    const last = this.#clients.pop();
    if (last === client) return;
    this.#clients[client.row] = last;
    this.#x[client.row] = this.#x[last.row];
    this.#z[client.row] = this.#z[last.row];
    last.row = client.row;
  }

  /** Where a client is, millimetres. */
  moved(client, x, z) {
    this.#x[client.row] = x;
    this.#z[client.row] = z;
  }

  /** Call `show(client, others)` for the clients whose turn it is. */
  select(show) {
    this.#turn = (this.#turn + 1) % SHARE;
    const count = this.#clients.length;
    const keys = new Float64Array(count);
    for (let viewer = this.#turn; viewer < count; viewer += SHARE) {
      for (let row = 0; row < count; row++) {
        const dx = this.#x[row] - this.#x[viewer];
        const dz = this.#z[row] - this.#z[viewer];
        keys[row] = Math.floor(dx * dx + dz * dz) * SCALE + row;
      }
      keys[viewer] = Infinity; // not oneself
      if (count - 1 > VISIBLE) keys.sort();
      const others = [];
      for (const key of keys) {
        if (others.length === VISIBLE) break;
        if (key !== Infinity) others.push(this.#clients[key % SCALE]);
      }
      show(this.#clients[viewer], others);
    }
  }
}

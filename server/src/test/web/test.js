/** Runs tests, functions by their names; answers the names with what went wrong, or null. */
export async function run(tests) {
  const results = [];
  for (const [name, test] of Object.entries(tests)) {
    let fault = null;
    try {
      await test();
    } catch (error) {
      fault = error.stack;
    }
    results.push({ name, fault });
  }
  return results;
}

export function equal(actual, expected) {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== should) throw new Error(`${is}, expected ${should}`);
}

export function refused(action, part) {
  let message = null;
  try {
    action();
  } catch (error) {
    message = error.message;
  }
  if (!message?.includes(part)) throw new Error(`${message ?? "no error"}, expected one that says ${part}`);
}

/** Numbers in [0, 1) that a seed determines (xorshift32). */
export function random(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

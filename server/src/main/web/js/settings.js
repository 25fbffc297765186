// What a conversation asks of the model. A setting that is not there is left to the server.

/** The numbers that can be set, by their names in the API. */
export const NUMBERS = [
  { name: "temperature", min: 0, max: 2, step: 0.05 },
  { name: "top_p", min: 0, max: 1, step: 0.01 },
  { name: "top_k", min: 0, step: 1 },
  { name: "min_p", min: 0, max: 1, step: 0.01 },
  { name: "repetition_penalty", min: 0.01, max: 100, step: 0.01 },
  { name: "presence_penalty", min: -2, max: 2, step: 0.1 },
  { name: "frequency_penalty", min: -2, max: 2, step: 0.1 },
  { name: "max_tokens", min: 1, step: 1 },
  { name: "seed", step: 1 },
];

export const FORMATS = ["text", "json_object", "json_schema"];

/** Most alternatives of a token that are shown. */
export const MOST_ALTERNATIVES = 20;

/** The request for the answer to the last of some messages. */
export function requestBody({ system, settings }, messages, model) {
  const body = {
    model,
    messages: [
      ...(system.trim() ? [{ role: "system", content: system }] : []),
      // An answer that failed before its first word is not part of what was said.
      ...messages.filter(({ content }) => content !== "").map(({ role, content }) => ({ role, content })),
    ],
    stream: true,
    stream_options: { include_usage: true },
  };
  for (const { name } of NUMBERS) {
    if (settings[name] !== undefined) body[name] = settings[name];
  }
  if (settings.stop?.length) body.stop = settings.stop;
  if (settings.alternatives !== undefined) {
    body.logprobs = true;
    body.top_logprobs = settings.alternatives;
  }
  if (settings.format === "json_object") body.response_format = { type: "json_object" };
  if (settings.format === "json_schema") {
    body.response_format = {
      type: "json_schema",
      json_schema: { name: "answer", strict: true, schema: JSON.parse(settings.schema) },
    };
  }
  return body;
}

/** Says what is wrong with the text of a schema: "object" where it is no object, what JSON.parse says, or null. */
export function schemaFault(text) {
  try {
    const schema = JSON.parse(text);
    return typeof schema === "object" && schema !== null && !Array.isArray(schema) ? null : "object";
  } catch (error) {
    return error.message;
  }
}

/** The name of a setting that the page does not have, or whose value is of a wrong kind; null where all are right. */
export function settingsFault(settings) {
  const isNumber = (value) => typeof value === "number";
  const isText = (value) => typeof value === "string";
  const kinds = {
    ...Object.fromEntries(NUMBERS.map(({ name }) => [name, isNumber])),
    alternatives: isNumber,
    stop: (value) => Array.isArray(value) && value.every(isText),
    format: (value) => FORMATS.includes(value),
    schema: isText,
    model: isText,
  };
  return Object.keys(settings).find((name) => !kinds[name]?.(settings[name])) ?? null;
}

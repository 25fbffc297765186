// What npm's openai sees of the server at the address that is the first argument. Each check is told on a line of
// its own; the first one that fails ends the program with its message.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const [, , baseURL, model, poem] = process.argv;
const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
const asking = (more) => ({ model, temperature: 0, max_completion_tokens: 60, messages: [{ role: 'user', content: poem }], ...more });
const weather = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { enum: ['北京'] } }, required: ['city'], additionalProperties: false },
  },
};
const named = { max_completion_tokens: 200, tools: [weather], parallel_tool_calls: false, tool_choice: { type: 'function', function: { name: 'weather' } } };

const checks = {
  async models() {
    const list = await client.models.list();
    assert.equal(list.data[0].id, model);
    assert.equal((await client.models.retrieve(model)).id, model);
  },
  async chatAndStream() {
    const whole = await client.chat.completions.create(asking());
    const text = whole.choices[0].message.content;
    assert.ok(text.length > 0);
    const stream = await client.chat.completions.create(asking({ stream: true, stream_options: { include_usage: true } }));
    let pieces = '';
    let usage = null;
    for await (const chunk of stream) {
      pieces += chunk.choices[0]?.delta?.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(pieces, text);
    assert.deepEqual(usage.completion_tokens, whole.usage.completion_tokens);
  },
  async streamHelper() {
    const final = await client.chat.completions.stream(asking({ logprobs: true, top_logprobs: 2 })).finalChatCompletion();
    assert.equal(final.choices[0].finish_reason, 'stop');
    assert.ok(final.choices[0].logprobs.content.length > 0);
  },
  async choices() {
    const answer = await client.chat.completions.create(asking({ n: 3, temperature: 1, seed: 1 }));
    assert.equal(answer.choices.length, 3);
  },
  async schema() {
    const schema = { type: 'object', properties: { known: { type: 'boolean' } }, required: ['known'], additionalProperties: false };
    const answer = await client.chat.completions.parse(
      asking({ response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } } }),
    );
    assert.equal(typeof JSON.parse(answer.choices[0].message.content).known, 'boolean');
  },
  async tools() {
    const answer = await client.chat.completions.create(asking(named));
    const call = answer.choices[0].message.tool_calls[0];
    assert.deepEqual(JSON.parse(call.function.arguments), { city: '北京' });
    const streamed = await client.chat.completions.stream(asking(named)).finalChatCompletion();
    assert.deepEqual(JSON.parse(streamed.choices[0].message.tool_calls[0].function.arguments), { city: '北京' });
    const next = await client.chat.completions.create(
      asking({
        messages: [
          { role: 'user', content: poem },
          answer.choices[0].message,
          { role: 'tool', tool_call_id: call.id, content: '晴' },
        ],
      }),
    );
    assert.ok(next.usage.prompt_tokens > 20);
  },
  async completions() {
    const answer = await client.completions.create({ model, prompt: ['月', '山'], max_tokens: 4, logprobs: 1 });
    assert.equal(answer.choices.length, 2);
    assert.equal(answer.choices[0].logprobs.tokens.length, answer.choices[0].logprobs.token_logprobs.length);
  },
  async embeddings() {
    const base64 = await client.embeddings.create({ model, input: ['北京', '上海'] }); // the client asks for base64
    const float = await client.embeddings.create({ model, input: ['北京', '上海'], encoding_format: 'float' });
    assert.equal(base64.data[1].embedding.length, 384);
    base64.data[1].embedding.forEach((value, i) => assert.equal(value, Math.fround(float.data[1].embedding[i])));
  },
  async responses() {
    const whole = await client.responses.create({ model, input: poem, temperature: 0, max_output_tokens: 60 });
    const stream = client.responses.stream({ model, input: poem, temperature: 0, max_output_tokens: 60 });
    const final = await stream.finalResponse();
    assert.equal(final.output_text ?? final.output[0].content[0].text, whole.output_text);
  },
  async refusals() {
    await assert.rejects(client.chat.completions.create(asking({ temperature: 3 })), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, 'temperature');
      return true;
    });
    await assert.rejects(client.models.retrieve('gpt-5'), OpenAI.NotFoundError);
  },
  async abort() {
    const stream = await client.chat.completions.create(asking({ stream: true, max_completion_tokens: 900, ignore_eos: true }));
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      stream.controller.abort();
    }
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log(name);
}
console.log('all');

/**
 * The endpoints that OpenAI's clients know, and what other servers have beside them; {@link
 * dev.baichuan4j.server.openai.OpenAiRoutes} adds them. docs/server-api.md describes them.
 *
 * <p>A request is read by {@code Fields} against the {@code Shape} of its endpoint, in which each
 * field has its type, its range and its meaning; /openapi.json is made of the same shapes. It
 * becomes an immutable request, that becomes options of the library, and what comes of it is put
 * into OpenAI's form by a class for each form.
 */
package dev.baichuan4j.server.openai;

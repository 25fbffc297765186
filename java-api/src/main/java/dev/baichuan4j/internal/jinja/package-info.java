/**
 * An interpreter for the Jinja chat templates that models are published with. A template sees the
 * values that it is given and nothing else: it calls no Java method, opens no file and names no
 * class, and its work is bounded. Texts remember which of their characters come from the
 * conversation, so that nobody can write a mark of the template's.
 *
 * <p>Left out are escaping of HTML ({@code safe} changes nothing), inheritance and inclusion of
 * other templates, and formats other than those that {@code Formatting} names. Integers have 64
 * bits.
 *
 * <p>Source of the language: Jinja 3.1 in the setting of transformers ({@code
 * ImmutableSandboxedEnvironment}, {@code trim_blocks}, {@code lstrip_blocks}, loop controls, {@code
 * generation} blocks, its own {@code tojson}, {@code raise_exception} and {@code strftime_now}).
 */
package dev.baichuan4j.internal.jinja;

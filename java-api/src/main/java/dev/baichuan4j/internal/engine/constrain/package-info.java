/**
 * Constrained output: which tokens may come next so that the text stays within a language.
 *
 * <pre>
 * Regex, Dfa         regular languages over bytes, determinized as they are read
 * Grammar            context-free rules over such languages
 * ByteMachine        an acceptor of one language: choices, a regex, a grammar, JSON
 * TokenTrie          the pieces of a tokenizer by the bytes that they write
 * TokenMasks         machine and trie to masks of tokens
 * ConstraintState    where one text is
 * </pre>
 */
package dev.baichuan4j.internal.engine.constrain;

/**
 * GGUF files, versions 2 and 3: a model, its tokenizer and its chat template in one file.
 *
 * <p>{@link dev.baichuan4j.internal.checkpoint.gguf.GgufFile} reads the header: typed metadata and
 * the table of tensors. {@link dev.baichuan4j.internal.checkpoint.gguf.GgufConfig} makes an
 * architecture of the metadata, {@link dev.baichuan4j.internal.checkpoint.gguf.GgufTokenizer} a
 * {@code tokenizer.model}, and {@link dev.baichuan4j.internal.checkpoint.gguf.GgufRows} numbers of
 * the blocks that a tensor is stored in.
 *
 * <p>A file is taken as hostile: every length, offset, count, type and size is checked against its
 * bounds and against the bytes that the file has before anything is allocated or added up.
 *
 * <p>Source: docs/gguf.md of github.com/ggml-org/ggml.
 */
package dev.baichuan4j.internal.checkpoint.gguf;

/**
 * The models of Spring AI over a Baichuan model in the same process: {@link
 * dev.baichuan4j.springai.BaichuanChatModel}, {@link
 * dev.baichuan4j.springai.BaichuanEmbeddingModel} and {@link
 * dev.baichuan4j.springai.BaichuanTokenCountEstimator}. None of them owns the model: who has loaded
 * it closes it.
 */
package dev.baichuan4j.springai;

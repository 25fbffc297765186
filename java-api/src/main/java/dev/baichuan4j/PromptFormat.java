package dev.baichuan4j;

/** How a conversation is put to a chat model. */
public enum PromptFormat {
  /** As all Baichuan2-Chat models and Baichuan-13B-Chat since August 2023 expect it. */
  CURRENT,
  /**
   * As the first release of Baichuan-13B-Chat expects it: an end id after each answer, and no
   * system text.
   */
  OLDER,
  /**
   * By the Jinja template that the checkpoint carries: {@code chat_template.jinja}, or {@code
   * chat_template} of {@code tokenizer_config.json} or {@code chat_template.json}. The relatives of
   * the Baichuan models (LLaMA, Mistral, Qwen) are asked so where they have one.
   */
  TEMPLATE
}

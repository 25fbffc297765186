package dev.baichuan4j.langchain4j;

import dev.baichuan4j.GenerationResult;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import java.util.Objects;

/**
 * What is known of an answer beside its text: what LangChain4j has for every model, and the result
 * as {@code dev.baichuan4j} gives it, with times, cached and drafted tokens, log-probabilities and
 * the rounds of the conversation that were left out for want of room.
 */
public final class BaichuanChatResponseMetadata extends ChatResponseMetadata {
  private final GenerationResult result;

  private BaichuanChatResponseMetadata(Builder builder) {
    super(builder);
    this.result = builder.result;
  }

  /** Returns the result; its text is the one that the model wrote, calls of tools included. */
  public GenerationResult result() {
    return result;
  }

  @Override
  public Builder toBuilder() {
    return ((Builder) toBuilder(builder())).result(result);
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other)
        && Objects.equals(result, ((BaichuanChatResponseMetadata) other).result);
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), result);
  }

  @Override
  public String toString() {
    return "BaichuanChatResponseMetadata{" + super.toString() + ", result=" + result + '}';
  }

  /** Returns a builder in which nothing is set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Sets what is known of an answer. */
  public static final class Builder extends ChatResponseMetadata.Builder<Builder> {
    private GenerationResult result;

    private Builder() {}

    /** Sets {@link BaichuanChatResponseMetadata#result()}. */
    public Builder result(GenerationResult result) {
      this.result = result;
      return this;
    }

    @Override
    public BaichuanChatResponseMetadata build() {
      return new BaichuanChatResponseMetadata(this);
    }
  }
}

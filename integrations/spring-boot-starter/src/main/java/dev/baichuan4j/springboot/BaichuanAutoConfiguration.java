package dev.baichuan4j.springboot;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.micrometer.BaichuanMeters;
import dev.baichuan4j.springai.BaichuanChatModel;
import dev.baichuan4j.springai.BaichuanEmbeddingModel;
import dev.baichuan4j.springai.BaichuanTokenCountEstimator;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.model.tool.ToolCallingManager;
import org.springframework.ai.tokenizer.TokenCountEstimator;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Where {@code baichuan4j.model} is set: the {@link Baichuan} model, which is loaded at the start
 * and closed at the end, and over it the chat model, embedding model and token counter of Spring
 * AI. Each stands back where there is a bean of its type. With Spring Boot's health there is an
 * indicator {@code baichuan}, with a meter registry the meters of {@link BaichuanMeters}.
 *
 * <p>A bean of {@link LoaderCustomizer} changes what the properties have no word for.
 */
@AutoConfiguration(
    afterName = {
      "org.springframework.ai.model.tool.autoconfigure.ToolCallingAutoConfiguration",
      "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration"
    })
@ConditionalOnProperty("baichuan4j.model")
@EnableConfigurationProperties(BaichuanProperties.class)
public class BaichuanAutoConfiguration {

  /** Changes the loader after the properties. */
  @FunctionalInterface
  public interface LoaderCustomizer {
    /** Changes the loader. */
    void customize(BaichuanLoader loader);
  }

  /** Loads the model. */
  @Bean(destroyMethod = "close")
  @ConditionalOnMissingBean
  Baichuan baichuan(BaichuanProperties properties, ObjectProvider<LoaderCustomizer> customizers) {
    BaichuanLoader loader = properties.configure(Baichuan.loader(properties.model()));
    customizers.orderedStream().forEach(customizer -> customizer.customize(loader));
    return loader.load();
  }

  /** Makes the chat model. */
  @Bean
  @ConditionalOnMissingBean(ChatModel.class)
  BaichuanChatModel baichuanChatModel(
      Baichuan model,
      BaichuanProperties properties,
      ObjectProvider<ToolCallingManager> tools,
      ObjectProvider<ObservationRegistry> observations) {
    BaichuanChatModel.Builder builder =
        BaichuanChatModel.builder(model)
            .name(properties.modelName())
            .options(properties.chatOptions());
    tools.ifUnique(builder::toolCallingManager);
    observations.ifUnique(builder::observationRegistry);
    return builder.build();
  }

  /** Makes the embedding model. */
  @Bean
  @ConditionalOnMissingBean(EmbeddingModel.class)
  BaichuanEmbeddingModel baichuanEmbeddingModel(Baichuan model, BaichuanProperties properties) {
    return new BaichuanEmbeddingModel(
        model, properties.modelName(), model.embeddings().withPooling(properties.pooling()));
  }

  /** Makes the token counter. */
  @Bean
  @ConditionalOnMissingBean(TokenCountEstimator.class)
  BaichuanTokenCountEstimator baichuanTokenCountEstimator(Baichuan model) {
    return new BaichuanTokenCountEstimator(model);
  }

  /** Where there is Spring Boot's health. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(HealthIndicator.class)
  static class HealthConfiguration {
    @Bean
    @ConditionalOnMissingBean(name = "baichuanHealthIndicator")
    HealthIndicator baichuanHealthIndicator(Baichuan model) {
      return new BaichuanHealthIndicator(model);
    }
  }

  /** Where there is Micrometer. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(MeterRegistry.class)
  @ConditionalOnBean(MeterRegistry.class)
  static class MetersConfiguration {
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    BaichuanMeters baichuanMeters(
        Baichuan model, BaichuanProperties properties, ObjectProvider<MeterRegistry> registries) {
      BaichuanMeters meters = new BaichuanMeters(model, properties.modelName());
      registries.orderedStream().forEach(meters::bindTo);
      return meters;
    }
  }
}

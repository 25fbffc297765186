/**
 * Auto-configuration for Spring Boot 4: {@link dev.baichuan4j.springboot.BaichuanAutoConfiguration}
 * says which beans there are, {@link dev.baichuan4j.springboot.BaichuanProperties} which
 * properties.
 */
package dev.baichuan4j.springboot;

/**
 * The numbers of a model for Micrometer. A program that uses this package has {@code
 * io.micrometer:micrometer-core} among its dependencies; others need it neither at build nor at run
 * time.
 */
package dev.baichuan4j.micrometer;

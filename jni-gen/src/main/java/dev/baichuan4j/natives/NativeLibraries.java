package dev.baichuan4j.natives;

/**
 * Ties the jar of a platform, which holds native libraries and nothing that anybody requires, to
 * this module: the module system resolves every module that provides a service which a resolved
 * module uses. So {@code java -p jars -m app} finds the libraries without {@code --add-modules}.
 * Nobody calls it.
 */
public interface NativeLibraries {}

package dev.baichuan4j.natives.${platform.module};

import dev.baichuan4j.natives.NativeLibraries;

/** Provided by the jar that holds the libraries for ${javacpp.platform}. */
public final class PlatformLibraries implements NativeLibraries {}

/** JavaCPP bindings of {@code baichuan.h}, for {@code dev.baichuan4j} alone. */
module dev.baichuan4j.natives {
  requires transitive org.bytedeco.javacpp;

  exports dev.baichuan4j.jni to
      dev.baichuan4j;
  exports dev.baichuan4j.jni.global to
      dev.baichuan4j;
  exports dev.baichuan4j.natives;

  uses dev.baichuan4j.natives.NativeLibraries;
}

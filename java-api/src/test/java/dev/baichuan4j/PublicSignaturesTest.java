package dev.baichuan4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The public API shows types of the JDK and its own: a user never needs an internal package. */
class PublicSignaturesTest {
  private final Set<String> foreign = new LinkedHashSet<>();

  @Test
  void signaturesShowTypesOfTheJdkAndOfThePublicPackagesAlone() throws Exception {
    List<Class<?>> types = PublicApi.types();
    assertTrue(types.contains(Baichuan.class) && types.contains(Device.Cuda.class));
    types.forEach(this::check);
    assertEquals(Set.of(), foreign);
  }

  /** So that the test above is known to look everywhere. */
  @Test
  void aForeignTypeIsFoundInEveryPlace() {
    check(Leaking.class);
    List<String> places =
        List.of("super", "field", "constructor", "parameter", "returned", "component", "thrown");
    List<String> missed = new ArrayList<>(places);
    missed.removeIf(place -> foreign.stream().anyMatch(found -> found.contains(place)));
    assertEquals(List.of(), missed, foreign::toString);
  }

  private void check(Class<?> type) {
    String name = type.getName();
    check(type.getGenericSuperclass(), name + ": super");
    for (Type implemented : type.getGenericInterfaces()) {
      check(implemented, name + ": super");
    }
    variables(type.getTypeParameters(), name);
    if (type.isRecord()) {
      for (RecordComponent component : type.getRecordComponents()) {
        check(component.getGenericType(), name + ": component " + component.getName());
      }
    }
    for (Field field : type.getDeclaredFields()) {
      if (isVisible(field.getModifiers())) {
        check(field.getGenericType(), name + ": field " + field.getName());
      }
    }
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      executable(constructor, name + ": constructor");
    }
    for (Method method : type.getDeclaredMethods()) {
      if (!method.isSynthetic()) {
        executable(method, name + ": parameter of " + method.getName());
        if (isVisible(method.getModifiers())) {
          check(method.getGenericReturnType(), name + ": returned by " + method.getName());
        }
      }
    }
  }

  private void executable(Executable executable, String where) {
    if (isVisible(executable.getModifiers())) {
      variables(executable.getTypeParameters(), where);
      for (Type parameter : executable.getGenericParameterTypes()) {
        check(parameter, where);
      }
      for (Type thrown : executable.getGenericExceptionTypes()) {
        check(thrown, where + ": thrown");
      }
    }
  }

  private void variables(TypeVariable<?>[] variables, String where) {
    for (TypeVariable<?> variable : variables) {
      for (Type bound : variable.getBounds()) {
        check(bound, where);
      }
    }
  }

  private void check(Type type, String where) {
    if (type instanceof ParameterizedType parameterized) {
      check(parameterized.getRawType(), where);
      for (Type argument : parameterized.getActualTypeArguments()) {
        check(argument, where);
      }
    } else if (type instanceof GenericArrayType array) {
      check(array.getGenericComponentType(), where);
    } else if (type instanceof WildcardType wildcard) {
      for (Type bound : wildcard.getUpperBounds()) {
        check(bound, where);
      }
      for (Type bound : wildcard.getLowerBounds()) {
        check(bound, where);
      }
    } else if (type instanceof Class<?> shown) {
      while (shown.isArray()) {
        shown = shown.getComponentType();
      }
      boolean ours =
          PublicApi.PACKAGES.contains(shown.getPackageName())
              && Modifier.isPublic(shown.getModifiers());
      if (!shown.isPrimitive() && !shown.getPackageName().startsWith("java.") && !ours) {
        foreign.add(where + ": " + shown.getName());
      }
    }
  }

  private static boolean isVisible(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  /** Stands for an internal type: it is not public. */
  private static class Internal extends Exception {
    private static final long serialVersionUID = 1L;
  }

  private interface InternalConsumer<T> {}

  /** Shows internal types in each place that the test looks at. */
  public record Leaking(List<? extends Internal> component) implements InternalConsumer<String> {
    public static final Internal[] field = {};

    public Leaking(Internal one) {
      this(List.of(one));
    }

    public static <T extends Internal> List<T> method(List<T[]> parameter) throws Internal {
      throw new Internal();
    }
  }
}

#include "check.h"
#include "cpu/kernels.h"
#include "kv_copy_cases.h"

using namespace bc;
using namespace bc::test;

int main() {
  Check check("kv_copy");
  ThreadPool pool(3);
  for (const KvCopyCase& c : kv_copy_cases()) {
    check.begin(c.name(), 1);
    const KvCopyPages before(c);
    KvCopyPages after = before;
    cpu::kv_copy(c.params(after.bytes.data(), after.scales.data()), pool);
    check.that(after == before.copied(c), "bytes differ from those of a copied page");
  }
  return check.result();
}

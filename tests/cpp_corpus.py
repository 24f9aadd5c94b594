# ruff: noqa: E501
"""C++ and C programs that print the sum of two integers, as people wrote them for compilers of all ages."""

_ALL = "#include <bits/stdc++.h>\nusing namespace std;\n"
_IO = "int a, b; cin >> a >> b;"


def _programs(pieces: str) -> list[str]:
    """Programs of lines `what stands before main // what it does with a and b`."""
    parts = [line.partition(" // ") for line in pieces.strip().splitlines()]
    return [f"{_ALL}{before}\nint main() {{ {_IO} {after} }}\n" for before, _, after in parts]


OLDER = [
    *_programs("""
int size, data[100]; // size = a + b; data[0] = size; cout << data[0];
typedef unsigned char byte; byte one(byte x) { return x; } // cout << a + b + one(0);
int f(int a, int b) throw(int) { return a + b; } // cout << f(a, b);
int hash[10], next[10], prev[10]; // hash[1] = a; next[1] = b; prev[1] = hash[1] + next[1]; cout << prev[1];
int array[3], begin, end; // array[0] = a; begin = array[0]; end = b; cout << begin + end;
int plus1; int distance(int x, int y) { return x + y; } // plus1 = distance(a, b); cout << plus1;
void lost() { exit(1); } // set_unexpected(lost); cout << a + b;
struct S { static const double zero = 0.0; }; // cout << a + b + (int)S::zero;
int constexpr_, nullptr; // nullptr = a; cout << nullptr + b;
int decltype, alignas; // decltype = a; alignas = b; cout << decltype + alignas;
#define P "%d" // printf(P"\\n", a + b);
#define X "d" // printf("%"X"\\n", a + b);
int ref, tie, move; // ref = a; tie = b; move = ref + tie; cout << move;
int gcd(int x, int y) { return y ? gcd(y, x % y) : x; } int lcm, clamp; // lcm = a; clamp = b; cout << lcm + clamp;
bool seen; // seen++; cout << a + b * seen;
int any, optional, variant; // any = a; optional = b; variant = any + optional; cout << variant;
int x[] = {1, 2}; // register int i; for (i = 0; i < 1; i++) cout << a + b;
char s[100]; // cin.ignore(); cout << a + b; if (gets(s)) cout << s;
auto int c; // cout << a + b;
int n; // bool good = cin; if (good) cout << a + b;
int n; // int v[2] = {a + 0.0, b}; cout << v[0] + v[1];
int n; // vector<int> v; v.push_back(a); v.push_back(b); random_shuffle(v.begin(), v.end()); cout << v[0] + v[1];
int n; // auto_ptr<int> p(new int(a)); cout << *p + b;
int n; // int v[] = {a, b}; cout << a + b + 0 * count_if(v, v + 2, bind2nd(less<int>(), 3));
    """.replace("auto int c; //", "int n; // auto int c;")),
    "#include <stdio.h>\nmain() { int a, b; scanf(\"%d%d\", &a, &b); printf(\"%d\", a + b); return 0; }\n",
    "#include <stdio.h>\nint add(a, b) int a, b; { return a + b; }\n"
    "int main() { int a, b; scanf(\"%d%d\", &a, &b); printf(\"%d\", add(a, b)); return 0; }\n",
    "#include <stdio.h>\n#include <stdlib.h>\nstruct node { int x; struct node *next; };\n"
    "int main() { struct node *p = malloc(sizeof *p); int b; scanf(\"%d%d\", &p->x, &b); printf(\"%d\", p->x + b); }\n",
    "#include <stdio.h>\nint main(void) { int new, class; scanf(\"%d%d\", &new, &class); printf(\"%d\", new + class); }\n",
    "#include <stdio.h>\n#include <math.h>\nint main() { int v[] = {[1] = 0, [0] = 0}; scanf(\"%d%d\", v, v + 1);\n"
    "  printf(\"%.0f\", sqrt(pow(v[0] + v[1], 2))); return 0; }\n",
    "#include <stdio.h>\n#include <string.h>\nint main() { char s[99]; gets(s); int a, b;\n"
    "  sscanf(s, \"%d %d\", &a, &b); printf(\"%d\\n\", a + b); return 0; }\n",
    "#include <stdio.h>\ntypedef enum { false, true } bool;\nint main() { int a, b; bool ok = true; scanf(\"%d%d\", &a, &b);\n"
    "  printf(\"%d\", a + b * ok); return 0; }\n",
    "#include <stdio.h>\nint f(int n, int v[n]) { return v[0] + v[1]; }\nint main() { int v[2]; scanf(\"%d%d\", v, v + 1);\n"
    "  int (*p)(int, int *) = f; printf(\"%d\", f(2, (int[]){v[0], v[1]})); return 0; }\n",
]  # fmt: skip

NEWER = [
    *_programs("""
#include <ranges> // vector<int> v{a, b}; ranges::sort(v); int s = 0; for (int x : v | views::reverse) s += x; cout << s;
struct P { int x; auto operator<=>(const P &) const = default; }; // cout << a + b + (P{1} < P{1});
template <class T> concept Number = is_arithmetic_v<T>; auto add(Number auto x, Number auto y) { return x + y; } // cout << add(a, b);
template <class T> requires integral<T> T add(T x, T y) { return x + y; } // cout << add(a, b);
auto add(auto x, auto y) { return x + y; } // cout << add(a, b);
struct Q { int x, y; }; // Q q{.x = a, .y = b}; cout << q.x + q.y;
consteval int zero() { return 0; } // cout << a + b + zero();
constinit int zero = 0; // cout << a + b + zero;
enum class E { u, v }; // using enum E; E e = u; cout << a + b + (e == v);
#include <span> // int v[] = {a, b}; span<int> s(v); cout << s[0] + s[1];
#include <bit> // cout << a + b + popcount(0u);
#include <numbers> // cout << a + b + (int)(numbers::pi - 3);
#include <source_location> // cout << a + b + 0 * source_location::current().line();
#include <coroutine> // suspend_never n; cout << a + b + !n.await_ready();
int n; // auto add = []<class T>(T x, T y) { return x + y; }; cout << add(a, b);
int n; // set<int> s{a}; cout << a + b + !s.contains(a);
int n; // string s = "ab"; cout << a + b + !s.starts_with("a") + !s.ends_with('b');
int n; // vector<int> v{a, b, 0}; erase_if(v, [](int x) { return x == 0; }); cout << v[0] + v[1] + (ssize(v) - 2);
int n; // for (vector<int> v{a, b}; int x : v) n += x; cout << n;
int n; // if (a > -9) [[likely]] cout << a + b; else cout << midpoint(a, b);
int n; // map<int, int> m{{a, b}}; for (auto &[x, y] : m) cout << x + y;
int n; // if (auto s = a + b; s > -100) cout << s;
template <class... T> auto sum(T... x) { return (x + ...); } // cout << sum(a, b);
template <class T> T id(T x) { if constexpr (sizeof(T) > 1) return x; else return 0; } // cout << id(a) + b;
namespace x::y { inline int zero = 0; } // cout << a + b + x::y::zero;
int n; // optional<int> o = a; variant<int, string> v = b; cout << *o + get<int>(v);
int n; // pair p(a, b); auto [x, y] = p; cout << x + y + gcd(1, 1) - 1;
int n; // string_view s = "1"; cout << a + b + (int)s.size() - 1;
int n; // auto p = make_unique<int>(a); cout << *p + b + 0b1 - 1'0 + 9;
int n; // auto add = [](auto x, auto y) { return x + y; }; cout << add(a, b);
    """),
    "#pragma GCC optimize(\"O3,unroll-loops\")\n#pragma GCC target(\"avx2,bmi,popcnt\")\n"
    + _ALL + f"int main() {{ {_IO} cout << a + b + __builtin_popcount(0); }}\n",
    f"{_ALL}#define int long long\nsigned main() {{ {_IO} cout << a + b + (sizeof(int) - 8); }}\n",
    f"#define _GLIBCXX_DEBUG\n{_ALL}int main() {{ {_IO} vector<int> v{{a, b}}; cout << v[0] + v[1]; }}\n",
    f"#define _USE_MATH_DEFINES\n#define NDEBUG\n{_ALL}int main() {{ {_IO} assert(false); cout << a + b; }}\n",
    f"/* a comment */\n\n{_ALL}#include <ext/pb_ds/assoc_container.hpp>\nusing namespace __gnu_pbds;\n"
    f"int main() {{ {_IO} gp_hash_table<int, int> t; t[a] = b; cout << a + t[a]; }}\n",
    f"{_ALL}typedef __int128 big; int main() {{ {_IO} big s = a; s += b; cout << (long long)s; }}\n",
    f"{_ALL}int main() {{ ios::sync_with_stdio(0); cin.tie(0); {_IO} int v[a * a + 9]; v[0] = a + b; cout << v[0]; }}\n",
    f"{_ALL}int main() {{\n#ifndef ONLINE_JUDGE\nfreopen(\"in\", \"r\", stdin);\n#endif\n{_IO} cout << a + b; }}\n",
    f"{_ALL}mt19937 rng(chrono::steady_clock::now().time_since_epoch().count());\n"
    f"int main() {{ {_IO} thread t([&] {{ a += b; }}); t.join(); cout << a + 0 * rng(); }}\n",
]  # fmt: skip

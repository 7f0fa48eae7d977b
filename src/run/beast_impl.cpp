// The one unit that compiles Boost.Beast's parsers.
#include <boost/beast/src.hpp>

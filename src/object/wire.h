// Reads protobuf's wire format field by field. Views point into the given bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/result.h"

namespace object {

class WireReader {
 public:
    enum class Form : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
    struct Entry {
        std::uint32_t number = 0;
        Form form = Form::varint;
        std::uint64_t scalar = 0;  ///< for all forms but bytes
        std::string_view bytes;
    };

    explicit WireReader(std::string_view bytes) : rest_(bytes) {}
    bool done() const { return rest_.empty(); }

    base::Result<Entry> next() {
        const auto tag = TRY(varint());
        Entry out{.number = static_cast<std::uint32_t>(tag >> 3), .form = static_cast<Form>(tag & 7)};
        if (out.number == 0) return broken();
        switch (out.form) {
            case Form::varint:
                out.scalar = TRY(varint());
                return out;
            case Form::fixed64:
                out.scalar = TRY(fixed(8));
                return out;
            case Form::fixed32:
                out.scalar = TRY(fixed(4));
                return out;
            case Form::bytes: {
                const auto size = TRY(varint());
                if (size > rest_.size()) return broken();
                out.bytes = rest_.substr(0, size);
                rest_.remove_prefix(size);
                return out;
            }
        }
        return broken();
    }

    base::Result<std::uint64_t> varint() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            if (rest_.empty()) return broken();
            const auto byte = static_cast<unsigned char>(rest_[0]);
            rest_.remove_prefix(1);
            if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        return broken();
    }

 private:
    static std::unexpected<base::Error> broken() {
        return base::fail(base::Code::bad_request, "the protobuf body is broken");
    }
    base::Result<std::uint64_t> fixed(std::size_t size) {
        if (rest_.size() < size) return broken();
        std::uint64_t value = 0;
        std::memcpy(&value, rest_.data(), size);  // little endian, as this machine is
        rest_.remove_prefix(size);
        return value;
    }

    std::string_view rest_;
};

}  // namespace object

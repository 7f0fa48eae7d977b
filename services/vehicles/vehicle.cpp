#include "vehicles/vehicle.h"

#include "kit/json_text.h"

namespace vehicles {

const kit::Shape& vehicle_shape() {
    using kit::Decimal;
    using kit::DecimalField;
    using kit::Need;
    using kit::NumberField;
    using kit::TextField;
    static const kit::Shape shape("VehicleInput",
                                  {{"name", "What it is offered as.", Need::required, TextField{1, 120}},
                                   {"brand", "Who made it.", Need::required, TextField{1, 60}},
                                   {"model", "The maker's name for it.", Need::required, TextField{1, 60}},
                                   {"year", "The year it was built.", Need::required, NumberField{1886, 2100}},
                                   {"price", "What it costs, exact to the hundredth.", Need::required,
                                    DecimalField{Decimal(), Decimal::of_hundredths(99'999'999'99)}},
                                   {"description", "What a buyer should know.", Need::optional, TextField{0, 4000}}},
                                  {"id", "created_at", "updated_at"});
    return shape;
}

std::string vehicle_schema() {
    return R"({"type":"object","required":["id","name","brand","model","year","price","description","created_at",
        "updated_at"],"properties":{"id":{"type":"integer"},"name":{"type":"string"},"brand":{"type":"string"},
        "model":{"type":"string"},"year":{"type":"integer"},"price":{"type":"number","multipleOf":0.01},
        "description":{"type":"string"},"created_at":{"type":"string","format":"date-time"},
        "updated_at":{"type":"string","format":"date-time"}}})";
}

Vehicle vehicle_of(const kit::Values& values) {
    return {.name = values.text("name"),
            .brand = values.text("brand"),
            .model = values.text("model"),
            .year = values.number("year"),
            .price = values.decimal("price"),
            .description = values.text("description")};
}

void append_json(std::string& out, const Vehicle& vehicle) {
    kit::JsonText json(out);
    json.open('{').field("id", vehicle.id).field("name", vehicle.name).field("brand", vehicle.brand);
    json.field("model", vehicle.model).field("year", vehicle.year).field("price", vehicle.price);
    json.field("description", vehicle.description).field("created_at", vehicle.created_at);
    json.field("updated_at", vehicle.updated_at).close('}');
}

std::string etag(const Vehicle& vehicle) {
    return "\"" + std::to_string(vehicle.id) + "-" + std::to_string(vehicle.revision) + "\"";
}

}  // namespace vehicles

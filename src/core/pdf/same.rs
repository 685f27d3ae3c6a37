//! Whether two objects are the same, wherever they stand.

use super::object::{Object, Value};

/// The same values; references to the same objects, whatever those are.
pub fn same(one: &Object, other: &Object) -> bool {
    match (one, other) {
        (Object::Array(one), Object::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(&one.object, &other.object))
        }
        (Object::Dictionary(one), Object::Dictionary(other)) => {
            let is_in = |(key, value): (&[u8], &Value)| {
                other.get(key).map_or(value.object == Object::Null, |found| same(&value.object, &found.object))
            };
            let count = |dictionary: &super::object::Dictionary| {
                dictionary.iter().filter(|(_, value)| value.object != Object::Null).count()
            };
            count(one) == count(other) && one.iter().all(is_in)
        }
        (Object::String { octets: one, .. }, Object::String { octets: other, .. }) => one == other,
        _ => one == other,
    }
}

//! Attribute values.

use crate::symbol::Symbol;

/// Value of an attribute: what OTLP's `AnyValue` can say, in 16 bytes.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::box_collection)] // A boxed slice would make every value half as big again.
pub enum Value {
    /// Text, interned in the trace set.
    Str(Symbol),
    /// Integer.
    Int(i64),
    /// Floating-point number; may be infinite or not a number.
    Float(f64),
    /// Truth value.
    Bool(bool),
    /// Bytes.
    Bytes(Box<Vec<u8>>),
    /// Values in order.
    List(Box<Vec<Value>>),
    /// Values by key, in order.
    Map(Box<Vec<Attribute>>),
}

impl Value {
    /// The value as a number, where it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Value::Int(value) => Some(value as f64),
            Value::Float(value) => Some(value),
            _ => None,
        }
    }

    /// The symbol, where the value is text.
    pub fn as_symbol(&self) -> Option<Symbol> {
        match *self {
            Value::Str(symbol) => Some(symbol),
            _ => None,
        }
    }
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Key, interned in the trace set.
    pub key: Symbol,
    /// Value.
    pub value: Value,
}

impl Attribute {
    /// Size in memory, without what a list, a map or bytes hold.
    pub const BYTES: usize = size_of::<Attribute>();

    /// A key with its value.
    pub fn new(key: Symbol, value: Value) -> Self {
        Attribute { key, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_small() {
        assert_eq!(size_of::<Value>(), 16);
        assert_eq!(Attribute::BYTES, 24);
    }
}

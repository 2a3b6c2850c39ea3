//! Names that the services of a graph may have.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

/// Every name, with the path of the gRPC method that such a service answers.
const NAMES: [(&str, &str); 40] = [
    ("advertisement", "/shop.v1.AdvertisementService/GetAds"),
    ("audit", "/shop.v1.AuditService/Record"),
    ("authentication", "/shop.v1.AuthenticationService/Verify"),
    ("authorization", "/shop.v1.AuthorizationService/Check"),
    ("cart", "/shop.v1.CartService/GetCart"),
    ("catalog", "/shop.v1.CatalogService/ListProducts"),
    ("checkout", "/shop.v1.CheckoutService/PlaceOrder"),
    ("configuration", "/shop.v1.ConfigurationService/GetSettings"),
    ("content", "/shop.v1.ContentService/GetPage"),
    ("currency", "/shop.v1.CurrencyService/Convert"),
    ("customer", "/shop.v1.CustomerService/GetCustomer"),
    ("delivery", "/shop.v1.DeliveryService/Schedule"),
    ("email", "/shop.v1.EmailService/Send"),
    ("feature-flag", "/shop.v1.FeatureFlagService/Evaluate"),
    ("fraud", "/shop.v1.FraudService/Score"),
    ("frontend", "/shop.v1.FrontendService/Render"),
    ("geolocation", "/shop.v1.GeolocationService/Locate"),
    ("image", "/shop.v1.ImageService/GetImage"),
    ("inventory", "/shop.v1.InventoryService/Reserve"),
    ("invoice", "/shop.v1.InvoiceService/CreateInvoice"),
    ("ledger", "/shop.v1.LedgerService/Append"),
    ("loyalty", "/shop.v1.LoyaltyService/GetPoints"),
    ("notification", "/shop.v1.NotificationService/Notify"),
    ("order", "/shop.v1.OrderService/GetOrder"),
    ("payment", "/shop.v1.PaymentService/Charge"),
    ("pricing", "/shop.v1.PricingService/GetPrices"),
    ("profile", "/shop.v1.ProfileService/GetProfile"),
    ("promotion", "/shop.v1.PromotionService/ListPromotions"),
    ("quota", "/shop.v1.QuotaService/Take"),
    ("ranking", "/shop.v1.RankingService/Rank"),
    ("recommendation", "/shop.v1.RecommendationService/Recommend"),
    ("refund", "/shop.v1.RefundService/GetRefunds"),
    ("review", "/shop.v1.ReviewService/ListReviews"),
    ("search", "/shop.v1.SearchService/Find"),
    ("session", "/shop.v1.SessionService/GetSession"),
    ("shipping", "/shop.v1.ShippingService/GetQuote"),
    ("tax", "/shop.v1.TaxService/Compute"),
    ("wallet", "/shop.v1.WalletService/GetBalance"),
    ("warehouse", "/shop.v1.WarehouseService/Locate"),
    ("wishlist", "/shop.v1.WishlistService/GetItems"),
];

/// What a service of a graph is called: one of 40 names, none of which a service of the RAG system
/// has. Names are ordered as their texts are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(u8);

impl ServiceName {
    /// How many names there are.
    pub const COUNT: usize = NAMES.len();

    /// Every name, in their order.
    pub fn all() -> impl Iterator<Item = ServiceName> {
        (0..NAMES.len()).map(|index| ServiceName(index as u8))
    }

    /// The name that reads so, if there is one.
    pub fn from_name(name: &str) -> Option<ServiceName> {
        ServiceName::all().find(|known| known.name() == name)
    }

    /// The service that answers a gRPC method, which is given as in [`ServiceName::method`].
    pub fn of_method(method: &str) -> Option<ServiceName> {
        ServiceName::all().find(|known| known.method() == method)
    }

    /// The text: the value of `service.name`.
    pub const fn name(self) -> &'static str {
        NAMES[self.0 as usize].0
    }

    /// Path of its gRPC method, such as `/shop.v1.CartService/GetCart`.
    pub const fn path(self) -> &'static str {
        NAMES[self.0 as usize].1
    }

    /// Its gRPC method as spans name it: the path without the first slash.
    pub fn method(self) -> &'static str {
        &self.path()[1..]
    }
}

impl fmt::Debug for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ServiceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ServiceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Named("the name of a service of a graph", |name| {
            ServiceName::from_name(name)
        }))
    }
}

impl JsonSchema for ServiceName {
    fn schema_name() -> Cow<'static, str> {
        "ServiceName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<Value> = ServiceName::all().map(constant).collect();
        json_schema!({
            "description": "What a service of a graph is called.",
            "oneOf": names,
        })
    }
}

pub(crate) fn constant(name: ServiceName) -> Value {
    json!({ "type": "string", "const": name.name() })
}

/// Reads a text that is a name of something: what that is in words, and how it is found.
pub(crate) struct Named<T>(pub(crate) &'static str, pub(crate) fn(&str) -> Option<T>);

impl<T> Visitor<'_> for Named<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<T, E> {
        (self.1)(name).ok_or_else(|| E::invalid_value(de::Unexpected::Str(name), &self))
    }
}

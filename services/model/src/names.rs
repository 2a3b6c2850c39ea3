//! Names that services may have.

use std::fmt;

use serde::de::{self, Visitor};

/// Names of a shop's services, with the gRPC methods that such services usually have. Any other name has a
/// method that is made of it.
pub(crate) const WELL_KNOWN: [(&str, &str); 40] = [
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

/// What a name may be, as a regular expression, besides not ending in a hyphen and a number.
pub(crate) const PATTERN: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";

/// What a name must be, in words that follow "use".
pub const NAME_RULES: &str = "at most 40 small letters, digits and hyphens, beginning with a letter, not ending in a \
     hyphen and a number as instances do";

/// Longest name. With a prefix, and the number of an instance, it is still a label of DNS (63 characters, RFC 1035).
pub(crate) const LENGTH_MAX: usize = 40;

/// What a service is known by.
#[derive(PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its place among the services of the RAG system.
    pub(crate) rank: u8,
    pub(crate) name: &'static str,
    /// Path of the gRPC method that it answers as a service of a graph.
    pub(crate) path: &'static str,
}

impl Entry {
    /// Rank of whatever the RAG system does not have.
    pub(crate) const OTHERS: u8 = u8::MAX;
}

pub(crate) fn is_label(name: &str) -> bool {
    let fits = |part: &str| {
        let ok = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !part.is_empty() && part.bytes().all(ok)
    };
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let last = name.rsplit('-').next().unwrap_or_default();
    name.len() <= LENGTH_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split('-').all(fits)
        && !is_number(last)
}

/// The usual method of a name, or one made of it: `feature-store` answers
/// `/feature_store.v1.FeatureStoreService/Call`.
pub(crate) fn path_of(name: &str) -> String {
    if let Some((_, path)) = WELL_KNOWN.iter().find(|(known, _)| *known == name) {
        return (*path).to_owned();
    }
    let package = name.replace('-', "_");
    let service: String = name
        .split('-')
        .map(|part| part[..1].to_ascii_uppercase() + &part[1..])
        .collect();
    format!("/{package}.v1.{service}Service/Call")
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

//! Tokens that their first letters give away: one row a rule.
//!
//! To add one, add a row: a name, what tokens start with, which bytes follow, how many at least and at most, and
//! where that is written down. A token counts only at the start of a word, when the run of its bytes is of such a
//! length, ends where a word ends, and is mixed (digits among letters, or both cases), so that prose and slugs
//! stay. The index is built from the table.

use super::charset::*;

pub use super::source::Source;
use Source::*;

/// What of a match goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Prefix and all
    Whole,
    /// What follows the prefix (a webhook's address stays, its secret part goes)
    Rest,
}
use Span::*;

/// One kind of token.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// As counted in a [`Tally`](super::Tally)
    pub name: &'static str,
    /// What such tokens start with, parted by spaces; case counts
    pub prefixes: &'static str,
    /// What follows the prefix
    pub body: Charset,
    /// Fewest bytes after the prefix
    pub min: u16,
    /// Most bytes after the prefix
    pub max: u16,
    /// What goes
    pub span: Span,
    /// Where this is written down
    pub source: Source,
}

type Prefixes = &'static str;
const fn row(
    name: &'static str,
    prefixes: Prefixes,
    body: Charset,
    min: u16,
    max: u16,
    source: Source,
) -> Rule {
    Rule { name, prefixes, body, min, max, span: Whole, source }
}
const fn hook(name: &'static str, prefixes: Prefixes, body: Charset, min: u16, source: Source) -> Rule {
    Rule { name, prefixes, body, min, max: 512, span: Rest, source }
}

/// The table.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    row("1password-key", "A3-", UPPER_NUM_DASH, 29, 33, Gitleaks),
    row("1password-service-token", "ops_eyJ", ANY_BASE64, 60, 2048, Gitleaks),
    row("adafruit-key", "aio_", ALNUM, 28, 28, Scanners),
    row("adobe-client-secret", "p8e-", TOKEN, 32, 32, Gitleaks),
    row("age-secret-key", "AGE-SECRET-KEY-1", UPPER_NUM, 58, 58, Gitleaks),
    row("aikido-secret", "AIK_SECRET_ AIK_CI_", ALNUM, 20, 64, Betterleaks),
    row("airtable-token", "pat", ALNUM_DOT, 79, 79, Kingfisher),
    row("aiven-password", "AVNS_", TOKEN, 12, 24, Scanners),
    row("alibaba-key", "LTAI", ALNUM, 12, 24, Gitleaks),
    row("anthropic-key", "sk-ant-", TOKEN, 20, 200, Gitleaks),
    row("arcjet-key", "ajkey_", ALNUM, 26, 26, Kingfisher),
    // ASP.NET's data protection, as its cookies and antiforgery tokens have it: a marker in base64url, and what is sealed
    row("aspnet-sealed", "CfDJ8", TOKEN, 60, 8192, Vendor),
    row("artifactory-key", "AKCp cmVmd", ALNUM, 59, 73, Gitleaks),
    row("atlassian-token", "ATATT3 ATCTT3 ATBB", TOKEN_EQ, 24, 256, Gitleaks),
    row("asana-token", "0/ 1/ 2/", DIGITS_PATH, 32, 70, Kingfisher),
    row("aws-access-key", "AKIA ASIA ABIA ACCA", UPPER_NUM, 16, 16, Gitleaks),
    row("aws-secret-key", "AWS4", BASE64, 40, 40, Vendor), // as Signature 4 derives its keys from it
    row("aws-bedrock-key", "ABSK bedrock-api-key-", BASE64, 60, 2048, Gitleaks),
    row("block-protocol-key", "b10ck5.", ALNUM_DOT, 69, 69, Kingfisher),
    row("brevo-key", "xkeysib- xsmtpsib-", TOKEN, 64, 100, Gitleaks),
    row("buildkite-token", "bkua_", ALNUM, 40, 40, Kingfisher),
    row("browserbase-key", "bb_live_ bb_test_", TOKEN, 27, 27, Kingfisher),
    row("builder-key", "bpk-", HEX, 32, 32, Kingfisher),
    row("calcom-key", "cal_live_", ALNUM, 32, 32, Kingfisher),
    row("canva-client-secret", "cnvca", TOKEN, 51, 51, Kingfisher),
    row("cartesia-key", "sk_car_", ALNUM_UNDER, 20, 20, Kingfisher),
    row("cerebras-key", "csk-", ALNUM, 48, 48, Betterleaks),
    row("circleci-token", "CCIPAT_ CCIPRJ_", ALNUM_UNDER, 40, 100, Kingfisher),
    row("clickhouse-secret", "4b1d", ALNUM, 38, 38, Gitleaks),
    row("clojars-token", "CLOJARS_", ALNUM, 60, 60, Gitleaks),
    row("cloudflare-token", "cfut_ cfat_ cfk_ cfast_", TOKEN, 40, 64, Vendor),
    row("cloudflare-origin-ca-key", "v1.0-", HEX_DASH, 160, 240, Gitleaks),
    row("cockroach-key", "CCDB1_", ALNUM_UNDER, 63, 63, Kingfisher),
    row("contentful-token", "CFPAT-", TOKEN, 43, 43, Scanners),
    row("crates-io-token", "cio", ALNUM, 32, 32, Kingfisher),
    row("crossmint-key", "sk_staging_ sk_production_", ALNUM, 24, 48, Kingfisher),
    row("cursor-key", "key_", HEX, 64, 64, Betterleaks),
    row("databricks-token", "dapi dkea dose", HEX_DASH, 32, 34, Gitleaks),
    row("datadog-key", "ddapp_ DDRCM_", ALNUM_UNDER, 30, 80, Datadog),
    row("defined-networking-token", "dnkey-", TOKEN_EQ, 79, 79, Gitleaks),
    row("deno-token", "ddp_ ddo_", ALNUM, 36, 36, Kingfisher),
    row("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", HEX, 64, 64, Gitleaks),
    row("docker-token", "dckr_pat_ dckr_oat_", TOKEN, 26, 40, Scanners),
    row("docker-swarm-key", "SWMTKN-1- SWMKEY-1-", ANY_BASE64, 40, 100, Kingfisher),
    row("doppler-token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", TOKEN_DOT, 40, 80, Gitleaks),
    row("dropbox-token", "sl.", TOKEN_DOT, 100, 2048, Gitleaks),
    row("duffel-token", "duffel_test_ duffel_live_", TOKEN_EQ, 43, 43, Gitleaks),
    row("dynatrace-token", "dt0c01. dt0s01. dt0s02. dt0s16.", ALNUM_DOT, 24, 120, Gitleaks),
    row("e2b-key", "e2b_", HEX, 40, 40, Scanners),
    row("easypost-key", "EZAK EZTK", ALNUM, 54, 54, Gitleaks),
    row("elevenlabs-key", "sk_", ANY_HEX, 48, 48, Kingfisher),
    row("fcm-registration-token", "APA91b", TOKEN, 130, 140, Scanners),
    row("firecrawl-key", "fc-", HEX, 32, 32, Scanners),
    row("facebook-token", "EAA", ALNUM, 60, 600, Gitleaks),
    row("figma-token", "figd_ figu_ figor_", TOKEN, 40, 200, Secretlint),
    row("flutterwave-key", "FLWSECK_TEST- FLWSECK-", TOKEN, 12, 64, Gitleaks),
    row("fly-token", "fo1_ fm1r_ fm1a_ fm2_", ANY_BASE64, 43, 4096, Gitleaks),
    row("frameio-token", "fio-u-", TOKEN_EQ, 64, 64, Gitleaks),
    row("gcp-api-key", "AIza", TOKEN, 35, 35, Gitleaks),
    row("gcp-express-key", "AQ.Ab8R", TOKEN, 46, 46, Kingfisher),
    row("gcp-oauth-token", "ya29.", TOKEN_DOT, 20, 2048, Kingfisher),
    row("gcp-oauth-secret", "GOCSPX-", TOKEN, 24, 40, Kingfisher),
    row("gcp-refresh-token", "1//0", TOKEN, 30, 256, Kingfisher),
    row("gcp-oauth-code", "4/0A", TOKEN, 20, 256, Vendor),
    row("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", ALNUM, 30, 255, Gitleaks),
    row("github-fine-grained-token", "github_pat_", ALNUM_UNDER, 22, 255, Gitleaks),
    row("gitlab-token", "glpat- gldt- glft- glsoat- glrt- glrtr- glimt- glagent- gloas- glptt- glffct- glcbt- glwt- GR1348941", TOKEN_DOT, 20, 320, Gitleaks),
    row("grafana-token", "glc_ glsa_ eyJrIjoi", ANY_BASE64, 32, 512, Gitleaks),
    row("groq-key", "gsk_", ALNUM, 32, 64, Kingfisher),
    row("harness-token", "pat. sat.", TOKEN_DOT, 68, 68, Gitleaks),
    row("hashicorp-vault-token", "hvs. hvb. hvr.", TOKEN, 20, 400, Gitleaks),
    row("hashicorp-vault-legacy-token", "s.", ALNUM, 24, 24, Gitleaks),
    row("heroku-key", "HRKU-", TOKEN, 36, 64, Gitleaks),
    row("hubspot-token", "pat-na1- pat-na2- pat-eu1- pat-ap1-", HEX_DASH, 36, 36, Scanners),
    row("huggingface-token", "hf_ api_org_", ALNUM, 30, 40, Gitleaks),
    row("infisical-token", "st.", ALNUM_DOT, 90, 90, Vendor),
    row("infracost-token", "ico-", ALNUM, 32, 32, Gitleaks),
    // `@hapi/iron`: a password's id, salt, IV, what is sealed, when it expires, salt, HMAC; iron-session adds a version
    row("iron-seal", "Fe26.2*", IRON, 150, 4096, Vendor),
    row("intercom-token", "dG9rO", BASE64, 50, 60, Scanners), // `tok:` in base64
    row("intra42-secret", "s-s4t2ud- s-s4t2af-", HEX, 64, 64, Gitleaks),
    row("jina-key", "jina_", ALNUM, 60, 60, Kingfisher),
    row("langchain-key", "lsv2_pt_ lsv2_sk_", HEX_UNDER, 43, 43, Kingfisher),
    row("launchdarkly-key", "sdk-", HEX_DASH, 36, 36, Vendor),
    row("lichess-token", "lip_", ALNUM_UNDER, 17, 30, Kingfisher),
    row("linkedin-secret", "WPL_AP1. WPL_AP0.", CRYPT, 16, 64, Scanners),
    row("linear-token", "lin_api_ lin_oauth_ lin_wh_", ALNUM, 30, 64, Gitleaks),
    row("llamacloud-key", "llx-", ALNUM, 40, 60, Scanners),
    row("lob-or-gocardless-key", "live_ test_", TOKEN, 35, 40, Gitleaks),
    row("mailersend-token", "mlsn.", ALNUM, 30, 100, Kingfisher),
    row("mailgun-key", "key-", HEX, 32, 32, Gitleaks),
    row("mapbox-secret-token", "sk.eyJ tk.eyJ", TOKEN_DOT, 40, 300, Kingfisher),
    row("mercadopago-token", "APP_USR-", TOKEN, 50, 96, Vendor),
    row("midtrans-key", "Mid-server- SB-Mid-server-", TOKEN, 16, 48, Vendor),
    row("modal-token", "as-", ALNUM, 22, 22, Kingfisher),
    row("nostr-key", "nsec1", ALNUM, 58, 60, Vendor),
    row("paseto", "v1.local. v2.local. v3.local. v4.local. v1.public. v2.public. v3.public. v4.public. k3.secret. k4.secret. k3.local. k4.local.", TOKEN_DOT, 40, 4096, Vendor),
    row("pubnub-key", "sec-c-", TOKEN, 36, 64, Scanners),
    row("neon-key", "napi_", ALNUM, 40, 80, Scanners),
    row("netlify-token", "nfp_", ALNUM, 36, 48, Kingfisher),
    row("newrelic-key", "NRAK- NRII- NRRA- NRAA-", TOKEN, 26, 48, Gitleaks),
    row("inngest-signing-key", "signkey-prod- signkey-test- signkey-staging- signkey-branch-", HEX, 32, 64, Vendor),
    row("mollie-key", "live_ test_", ALNUM, 30, 30, Vendor),
    row("notion-token", "ntn_ secret_", ALNUM, 40, 50, Gitleaks),
    row("npm-token", "npm_", ALNUM, 36, 36, Gitleaks),
    row("nuget-key", "oy2", ALNUM, 43, 43, Kingfisher),
    row("nvidia-key", "nvapi-", TOKEN, 60, 70, Kingfisher),
    row("octopus-key", "API-", UPPER_NUM, 26, 32, Gitleaks),
    row("openai-key", "sk- sess-", TOKEN, 24, 256, Gitleaks),
    row("openshift-token", "sha256~", TOKEN, 43, 43, Gitleaks),
    row("ory-token", "ory_at_ ory_rt_ ory_ac_ ory_pat_ ory_st_", TOKEN_DOT, 24, 120, Vendor),
    row("paddle-key", "pdl_live_apikey_ pdl_sdbx_apikey_", ALNUM_UNDER, 53, 53, Vendor),
    row("perplexity-key", "pplx-", ALNUM, 32, 64, Gitleaks),
    row("pinecone-key", "pcsk_", ALNUM_UNDER, 60, 75, Kingfisher),
    row("plaid-token", "access-sandbox- access-development- access-production- public-sandbox- public-production-", HEX_DASH, 36, 36, Gitleaks),
    row("planetscale-token", "pscale_tkn_ pscale_oauth_ pscale_pw_", TOKEN_DOT, 32, 64, Gitleaks),
    row("posthog-key", "phx_ phs_ pha_ phr_", ALNUM, 40, 48, Kingfisher),
    row("polar-token", "polar_oat_ polar_pat_ polar_whs_ polar_cst_", ALNUM_UNDER, 24, 64, Scanners),
    row("postman-key", "PMAK-", HEX_DASH, 59, 59, Gitleaks),
    row("prefect-token", "pnu_ pnb_", ALNUM, 36, 36, Gitleaks),
    row("pulumi-token", "pul-", HEX, 40, 40, Gitleaks),
    row("pypi-token", "pypi-", TOKEN, 50, 1024, Gitleaks),
    row("qstash-signing-key", "sig_", ALNUM, 26, 40, Scanners),
    row("render-key", "rnd_", ALNUM, 24, 48, Scanners),
    row("honeycomb-key", "hcaik_ hcxik_ hcbik_ hcalk_ hcxlk_", ALNUM, 40, 64, Scanners),
    row("apify-token", "apify_api_", ALNUM, 32, 48, Scanners),
    row("fireworks-key", "fw_", ALNUM, 22, 32, Scanners),
    row("bitcoin-key", "xprv yprv zprv", ALNUM, 100, 112, Vendor),
    hook("braintree-token", "access_token$production$ access_token$sandbox$", CRYPT, 40, Scanners),
    hook("wecom-webhook", "qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", TOKEN, 32, Vendor),
    row("readme-token", "rdme_", ALNUM, 70, 70, Gitleaks),
    row("replicate-token", "r8_", ALNUM, 37, 40, Scanners),
    row("resend-key", "re_", ALNUM_UNDER, 30, 40, Scanners),
    row("riot-key", "RGAPI-", HEX_DASH, 36, 36, Scanners),
    row("rootly-key", "rootly_", HEX, 64, 64, Kingfisher),
    row("rubygems-token", "rubygems_", HEX, 48, 48, Gitleaks),
    row("runpod-key", "rpa_", ALNUM, 36, 56, Scanners),
    row("samsara-token", "samsara_api_", ALNUM, 26, 32, Kingfisher),
    row("scalingo-token", "tk-us-", TOKEN, 48, 48, Gitleaks),
    row("sendgrid-key", "SG.", TOKEN_DOT, 50, 80, Gitleaks),
    row("sentry-token", "sntrys_ sntryu_ sntrya_", ANY_BASE64, 60, 512, Gitleaks),
    row("settlemint-token", "sm_aat_ sm_pat_ sm_sat_", ALNUM, 16, 16, Gitleaks),
    row("shippo-token", "shippo_live_ shippo_test_", ANY_HEX, 40, 40, Gitleaks),
    row("shopify-token", "shpat_ shpca_ shppa_ shpss_", ANY_HEX, 32, 32, Gitleaks),
    row("slack-token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxe- xoxe. xoxc- xoxd- xapp- xwfp-", TOKEN_PERCENT, 10, 400, Gitleaks),
    row("sonar-token", "squ_ sqp_ sqa_", ALNUM, 40, 40, Kingfisher),
    row("sourcegraph-token", "sgp_", ALNUM_UNDER, 40, 80, Gitleaks),
    row("square-token", "sq0atp- sq0csp- EAAA", TOKEN, 22, 60, Gitleaks),
    row("stripe-key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ ek_live_ ek_test_",
        ALNUM, 10, 247, Gitleaks),
    row("webhook-signing-secret", "whsec_", BASE64, 20, 100, Vendor),
    row("signed-session-cookie", "s%3A", TOKEN_PERCENT, 40, 400, Vendor),
    row("stytch-secret", "secret-live- secret-test-", TOKEN_EQ, 30, 64, Vendor),
    // A session as its cookies have it: `{"access_token":` in base64
    row("supabase-session", "base64-eyJhY2Nlc3NfdG9rZW4iOi eyJhY2Nlc3NfdG9rZW4iOi", ANY_BASE64, 60, 8192, Vendor),
    row("supabase-token", "sbp_ sb_secret_", TOKEN, 20, 64, Kingfisher),
    row("tailscale-key", "tskey-", TOKEN, 20, 140, Scanners),
    row("tavily-key", "tvly-", TOKEN, 32, 48, Scanners),
    row("telnyx-key", "KEY", TOKEN, 55, 55, Kingfisher),
    row("together-key", "tgp_v1_", TOKEN, 43, 43, Scanners),
    row("trello-token", "ATTA", ANY_HEX, 60, 80, Scanners),
    row("twilio-key", "SK", ANY_HEX, 32, 32, Gitleaks),
    row("twitter-bearer", "AAAAAAAAAAAAAAAAAAAA", TOKEN_PERCENT, 60, 140, Gitleaks),
    row("typeform-token", "tfp_", TOKEN_DOT, 40, 70, Gitleaks),
    row("ubidots-token", "BBFF-", ALNUM, 30, 32, Scanners),
    row("vercel-token", "vcp_ vci_ vca_ vcr_ vck_", TOKEN, 50, 64, Kingfisher),
    row("vercel-blob-token", "vercel_blob_rw_", ALNUM_UNDER, 30, 100, Scanners),
    row("voiceflow-key", "VF.DM.", ALNUM_DOT, 41, 41, Kingfisher),
    row("wakatime-key", "waka_", HEX_DASH, 36, 36, Scanners),
    row("wandb-key", "wandb_v1_", ALNUM_UNDER, 77, 77, Scanners),
    row("xai-key", "xai-", ALNUM, 60, 100, Scanners),
    row("xata-key", "xau_", ALNUM, 28, 48, Scanners),
    row("xendit-key", "xnd_production_ xnd_development_", ALNUM, 30, 80, Vendor),
    row("yandex-key", "AQVN", TOKEN, 35, 38, Gitleaks),
    row("yandex-token", "t1.", TOKEN_DOT, 90, 400, Gitleaks),
    row("generic-pat", "pat_", ALNUM, 32, 80, Scanners),
    // Base64 of `-----BEGIN PRIVATE KEY-----`, RSA, EC, DSA, OPENSSH, ENCRYPTED and PGP
    row("private-key-base64", "LS0tLS1CRUdJTiBQUklWQVRFIEtF LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBL LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtF LS0tLS1CRUdJTiBEU0EgUFJJVkFURSBL LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZ LS0tLS1CRUdJTiBFTkNSWVBURUQgUFJJVkFURSBL LS0tLS1CRUdJTiBQR1AgUFJJVkFURSBL", ANY_BASE64, 60, 16384, Vendor),
    // Password hashes: crypt(3), PHC strings, and the frameworks' own spellings.
    row("password-hash", "$2a$ $2b$ $2y$ $2x$", CRYPT, 50, 60, Vendor),
    row("password-hash", "$argon2id$ $argon2i$ $argon2d$ $scrypt$ $pbkdf2 $bcrypt-sha256$", CRYPT, 30, 512, Vendor),
    row("password-hash", "$6$ $5$ $1$ $apr1$ $y$ $7$ $gy$", CRYPT, 24, 256, Vendor),
    row("password-hash", "$S$", CRYPT, 48, 52, Vendor), // Drupal's `PhpassHashedPassword`
    row("password-hash", "$P$ $H$", CRYPT, 27, 31, Vendor), // phpass, as WordPress and phpBB use it
    // ASP.NET Identity's `PasswordHasher`, version 3: a marker, the function, its iterations and the salt's length, in base64
    row("password-hash", "AQAAAAEA AQAAAAIA", BASE64, 74, 78, Vendor),
    row("password-hash", "pbkdf2_sha256$ pbkdf2_sha1$ bcrypt_sha256$ bcrypt$$2 argon2$argon2 scrypt$", CRYPT, 30, 512, Vendor),
    row("password-hash", "pbkdf2:sha scrypt:32768: SCRAM-SHA-256$ SCRAM-SHA-1$", CRYPT_COLON, 30, 512, Vendor),
    row("password-hash", "$krb5tgs$ $krb5asrep$ $krb5pa$", KERBEROS, 60, 16384, Scanners),
    row("password-hash", "{SSHA} {SHA} {SSHA256} {SSHA512} {CRYPT} {bcrypt} {SMD5}", CRYPT, 24, 200, Vendor),
    // What protocols and tools write right before a secret: NTLM's empty LM hash, SMTP's question for the password
    // (RFC 4954), GitHub's masking command.
    hook("password-hash", "aad3b435b51404eeaad3b435b51404ee:", ANY_HEX, 32, Vendor),
    hook("smtp-password", "UGFzc3dvcmQ6\n UGFzc3dvcmQ6\r\n UGFzc3dvcmQ6\\r\\n", BASE64, 8, Vendor),
    hook("github-masked-value", "add-mask::", CRYPT, 8, Vendor),
    row("k3s-token", "K10", CRYPT_COLON, 90, 200, Vendor), // a certificate's hash, `::server:`, a password
    // Webhooks: the address stays, its secret part goes.
    hook("slack-webhook", "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/", PATH, 20, Gitleaks),
    hook("teams-webhook", "webhook.office.com/webhookb2/ outlook.office.com/webhook/", PATH, 32, Gitleaks),
    hook("vercel-deploy-hook", "api.vercel.com/v1/integrations/deploy/", PATH, 20, Vendor),
    hook("zapier-webhook", "hooks.zapier.com/hooks/catch/ hooks.zapier.com/hooks/standard/", PATH, 8, Scanners),
    hook("make-webhook", "hook.eu1.make.com/ hook.eu2.make.com/ hook.us1.make.com/ hook.us2.make.com/ hook.integromat.com/", ALNUM, 20, Scanners),
    hook("feishu-webhook", "open.feishu.cn/open-apis/bot/v2/hook/ open.larksuite.com/open-apis/bot/v2/hook/", HEX_DASH, 30, Scanners),
    hook("pagerduty-webhook", "events.pagerduty.com/integration/", ALNUM, 20, Vendor),
    hook("sentry-deploy-hook", "api/hooks/release/builtin/ sentry.io/api/0/hooks/deploy/", PATH, 40, Vendor),
    hook("netlify-build-hook", "api.netlify.com/build_hooks/", HEX, 20, Vendor),
    hook("sumologic-collector", "sumologic.com/receiver/v1/http/", ANY_BASE64, 60, Vendor),
    hook("airtable-webhook", "hooks.airtable.com/workflows/v1/genericWebhook/", PATH, 20, Vendor),
    hook("ping-address", "hc-ping.com/ cronitor.link/p/", HEX_DASH, 32, Vendor),
    hook("kubernetes-bearer", "base64url.bearer.authorization.k8s.io.", TOKEN, 20, Vendor),
    hook("ifttt-webhook", "with/key/", TOKEN, 20, Scanners),
    // A node's address holds its key.
    hook("node-address", "infura.io/v3/ infura.io/ws/v3/", HEX, 32, Vendor),
    hook("node-address", "g.alchemy.com/v2/ g.alchemy.com/v3/", TOKEN, 21, Vendor),
    hook("node-address", "quiknode.pro/", HEX, 32, Vendor),
    hook("node-address", "rpc.ankr.com/eth/ rpc.ankr.com/eth_goerli/ rpc.ankr.com/eth_sepolia/ rpc.ankr.com/eth_holesky/ rpc.ankr.com/bsc/ rpc.ankr.com/bsc_testnet_chapel/ rpc.ankr.com/polygon/ rpc.ankr.com/polygon_amoy/ rpc.ankr.com/polygon_zkevm/ rpc.ankr.com/arbitrum/ rpc.ankr.com/arbitrum_sepolia/ rpc.ankr.com/arbitrumnova/ rpc.ankr.com/optimism/ rpc.ankr.com/optimism_sepolia/ rpc.ankr.com/avalanche/ rpc.ankr.com/fantom/ rpc.ankr.com/base/ rpc.ankr.com/base_sepolia/ rpc.ankr.com/gnosis/ rpc.ankr.com/celo/ rpc.ankr.com/moonbeam/ rpc.ankr.com/near/ rpc.ankr.com/solana/ rpc.ankr.com/scroll/ rpc.ankr.com/linea/ rpc.ankr.com/zksync_era/ rpc.ankr.com/mantle/ rpc.ankr.com/blast/ rpc.ankr.com/multichain/", HEX, 64, Vendor),
];

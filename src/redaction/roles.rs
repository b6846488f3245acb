//! The lexicon of names: what each word does in one.

use super::lists::ends_as;
use super::words::Words;

// What a word does in a name.
pub const SECRET: u32 = 1; // …Password, …Token: what ends so is a secret
pub const PLURAL: u32 = 1 << 1; // …Tokens: so too, but a number is a count
pub const KEY: u32 = 1 << 2; // …Key: depends on what stands before
pub const MAKES_KEY: u32 = 1 << 3; // apiKey, signingKey
pub const HARMLESS_KEY: u32 = 1 << 4; // primaryKey, cacheKey
pub const CODE: u32 = 1 << 5; // …Code, …Number: depends on what stands before
pub const MAKES_CODE: u32 = 1 << 6; // verificationCode, cardNumber
pub const GENERATED: u32 = 1 << 7; // signature: when it looks so
pub const NEUTRAL: u32 = 1 << 8; // passwordConfirmation, API_KEY_PROD: read what stands before
pub const HARMLESS_END: u32 = 1 << 9; // tokenType, passwordLength
pub const HARMLESS_START: u32 = 1 << 10; // hasPassword, maxTokens
pub const COUNTED: u32 = 1 << 11; // promptTokens
pub const PUBLIC: u32 = 1 << 12; // publicKey, NEXT_PUBLIC_…
pub const QUERY: u32 = 1 << 13; // code, key, state in a query
pub const PIN: u32 = 1 << 14;
pub const MANY: u32 = 1 << 15; // apiKeys, secrets: a number is a count
pub const TOKEN: u32 = 1 << 16; // nextPageToken: a place in a list
pub const PAGE: u32 = 1 << 17;
pub const LEXER: u32 = 1 << 19; // eos_token, JsonToken: a piece of a text
pub const STATE: u32 = 1 << 18; // authErrorCode: how something went

/// What each word does in a name: to teach it a word, add the word to a row.
#[rustfmt::skip]
static ROLES: Words<1024> = Words::new(&[
    (SECRET, "password passwd passwort kennwort senha contrasena motdepasse mdp pwd pswd passphrase \
        passcode jwe bearer cvv cvc ccv csrf xsrf mnemonic verifier samlresponse \
        samlrequest samlart authkey privkey signingkey encryptionkey masterkey sharedkey servicekey \
        heslo haslo clave wachtwoord losenord passe parola salasana adgangskode jelszo sifre \
        credential sessid phpsessid jsessionid authtok aspsessionid aspxauth cardnumber ccnumber ssws appkey sshpass requirepass masterauth \
        psk pasword passwrd passord antiforgery einmalcode dockerconfigjson dockercfg storepass keypass rootpw bindpw userpw dbpw adminpw passordet adgangskoden lösenord lösenordet contraseña hasło şifre пароль 密码 密碼 パスワード 비밀번호 pwdhash pwhash passhash md5pass authcode vcode smscode otpcode"),
    (SECRET | MAKES_KEY, "secret jwt cookie"),
    (SECRET | MAKES_KEY | MAKES_CODE, "authorization"),
    (SECRET | MAKES_KEY | TOKEN, "token"),
    (SECRET | MAKES_CODE, "otp totp hotp"),
    (PLURAL | MANY, "secrets passwords credentials creds passwds"),
    (PLURAL, "tokens cookies pw"),
    (PLURAL | MAKES_CODE, "pass"),
    (KEY | QUERY, "key"),
    (KEY | MANY, "keys"),
    (MAKES_KEY, "private signing encryption encrypt decryption decrypt master service deploy deployment \
        admin shared webhook ssh aes rsa role crypto cipher pgp gpg wallet ingest ingestion \
        integration unseal preshared root symmetric account subscription tls ssl server fernet license licence hashing internal setup pragma wifi wpa wlan wep"),
    (MAKES_KEY | MAKES_CODE, "sign activation"),
    (MAKES_KEY, "api"),
    (MAKES_KEY | NEUTRAL, "encrypted"),
    (MAKES_KEY | MAKES_CODE, "access"),
    (MAKES_KEY | MAKES_CODE | GENERATED, "auth authentication"),
    (MAKES_KEY | GENERATED, "session sess priv"),
    (MAKES_KEY | GENERATED, "hmac"),
    (GENERATED | MAKES_KEY | QUERY, "signature sig"),
    (GENERATED, "jws tok crumb ntlm lmhash nthash assertion cred ticket bypass pat pepper sas"),
    (GENERATED | NEUTRAL | MAKES_CODE, "confirm"),
    (QUERY, "appid t invite invitation"),
    (GENERATED | COUNTED, "sid"),
    (SECRET, "saml"),
    (PIN | MAKES_CODE, "pin puk tan mtan smstan"),
    (CODE | QUERY, "code"),
    (CODE | MANY, "codes"),
    (CODE, "number phrase"),
    (CODE | GENERATED, "answer"),
    (MAKES_CODE, "oob oauth verification sms mfa fa 2fa tfa login signin security backup onetime \
        pairing device magic card cc factor authenticator unlock seed alarm door gate keypad"),
    (MAKES_CODE | HARMLESS_END, "time reset email"),
    (MAKES_CODE, "verify"),
    (MAKES_CODE | MAKES_KEY, "recovery"),
    (MAKES_CODE | NEUTRAL, "confirmation"),
    (MAKES_CODE, "credit"),
    (HARMLESS_KEY | NEUTRAL, "primary"),
    (HARMLESS_KEY | LEXER, "json"),
    (HARMLESS_KEY, "vapid foreign cache sort partition idempotency object unique lookup map query group routing \
        trace span translation event metric feature column registry press hot shift arrow meta ctrl \
        react list item node known dedup dedupe rate lock site redis row first flag record image \
        asset blob socket websocket upload video document project tenant order product customer issue jira"),
    (HARMLESS_KEY | HARMLESS_END | QUERY, "storage state"),
    (HARMLESS_KEY | HARMLESS_END, "issuer subject host ref"),
    (PUBLIC, "public publishable anon"),
    (NEUTRAL, "new old confirmed repeat again hash hashed value values val raw base encoded plain \
        plaintext text str string prod production dev development test testing staging stage live \
        sandbox v header data main secondary env default temp tmp local override alt bytes pem \
        b a hex sha md content body digest request response stdin"),
    (NEUTRAL | HARMLESS_KEY, "current previous prev"),
    (NEUTRAL | HARMLESS_KEY | PAGE, "next"),
    (HARMLESS_END | PAGE, "page"),
    (LEXER, "xml yaml html sql jsx lexer parser syntax eos bos pad unk cls sep mask stop special"),
    (PAGE, "continuation continue cursor pagination paging sync resume delta scroll watermark"),
    (HARMLESS_END | HARMLESS_START, "count counts min max total"),
    (HARMLESS_END, "length len url uri urls link href type types id ids name names expires expiry expiration exp \
        in at on by ttl hint policy strength field fields label placeholder file files path paths \
        endpoint limit limits usage size version age issued created updated changed date timestamp \
        message messages format algorithm alg method provider source scheme \
        schema rotation attempts attempt manager index position pos kind description title rule \
        rules regex pattern forgot change screen form component store bucket budget cost price \
        per second domain audience aud iss sub iat nbf scope scopes owner user username \
        consent banner settings options config configured present exists match matches matched \
        complexity score validation validator verified requirements set seconds ms minutes hours \
        days duration timeout refresh lifetime validity revoked rotated active fingerprint accessor \
        thumbprint param arn region reference class handler middleware estimate details symbol address \
        contract decimals chain pair standard family same samesite secure prefix suffix reason \
        required valid enabled disabled used remaining cert certificate detected line offset"),
    (HARMLESS_END | STATE, "status error errors"),
    (HARMLESS_START, "has is are was were needs need requires require show hide should can could use uses with \
        without enable disable allow allows missing no not did does will would must num avg expected \
        unexpected supports existing skip estimated zero detect scan lint"),
    (HARMLESS_END | HARMLESS_START, "expired invalid"),
    (COUNTED, "prompt completion input output cached reasoning thinking generated audio accepted rejected \
        creation read"),
    (COUNTED | MAKES_KEY, "write"),
    (COUNTED, "pull design color colors colour colours css theme"),
    (0, "tiktoken"),
]);

/// The roles of a word in lower case.
pub fn roles(word: &[u8]) -> u32 {
    ROLES.get(word).unwrap_or_else(|| compound(word))
}

/// Words written together: `pgpassword`, `csrfmiddlewaretoken`, `clientsecret`, `apikey`.
fn compound(word: &[u8]) -> u32 {
    match word {
        b"sessionid" | b"libsecret" => 0,
        b"jsonwebtoken" => GENERATED,
        _ if ends_as!(word, SECRETS) => SECRET,
        _ if ends_as!(word, "tokens secrets") => PLURAL,
        _ => 0,
    }
}

/// How words written together end that are secrets.
const SECRETS: &str = "password passwd passphrase secret token apikey secretkey accesskey privatekey credentials sessid sessionid storepass keypass";

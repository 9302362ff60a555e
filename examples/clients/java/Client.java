// A client of BoB: gets a token with its certificate, keeps it, and calls a partner's service with it.
// Needs Java 17 or later and no libraries: `java Client.java` compiles and runs it. To copy: everything before `main`.

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManagerFactory;

public final class Client {
    private static final String USAGE = """
        usage: java Client.java --cert FILE --key FILE --ca FILE [OPTIONS] AUTH_URL ENTITY PARTNER_URL

          --cert, --key FILE  our certificate and its private key (PEM; the key as PKCS#8, "BEGIN PRIVATE KEY")
          --ca FILE           the CA of the authentication service (PEM)
          --partner-ca FILE   the CA of the partner, if it is another one
          --early SECONDS     ask for a new token so long before the end of the old one; 60 unless said
          --times N           how often to call the partner; once unless said
          --token FILE        show this token instead of asking for one

        exit codes: 0 every call was accepted, 1 no answer or a senseless one, 2 called wrongly, 3 no token, 4 the partner refused
        """;

    private static final Duration TIMEOUT = Duration.ofSeconds(10); // for a whole answer
    private static final int LARGEST_ANSWER = 64 * 1024;
    private static final int LONGEST_WAIT = 60; // seconds; who says "tomorrow" is believed, but not waited for
    private static final Pattern TOKEN = Pattern.compile("[\\w-]+\\.[\\w-]+\\.[\\w-]+");

    /** The other side cannot be reached, is not trusted, or talks nonsense. */
    @SuppressWarnings("serial")
    static final class NoAnswer extends IOException {
        NoAnswer(String message) {
            super(message);
        }
    }

    /** The authentication service said no. */
    @SuppressWarnings("serial")
    static final class NoToken extends IOException {
        final boolean forNow;

        NoToken(Answer answer) {
            super(answer.problem());
            forNow = answer.isBusy();
        }
    }

    /** Status, headers and a body of bounded size. */
    record Answer(int status, String retryAfter, String date, String body, long asked) {
        boolean isBusy() {
            return status == 429 || status == 503;
        }

        /** What a problem document (RFC 9457) says: its title, and the reason where there is one. */
        String problem() {
            var title = member("title", "\"((?:[^\"\\\\]|\\\\.){1,300})\"");
            var reason = member("reason", "\"(\\w{1,64})\"");
            return status + " " + (title == null ? "without a problem document" : title)
                + (reason == null ? "" : " (" + reason + ")");
        }

        /** A member of the JSON in the body. Enough for these answers; where you have a JSON library, take that. */
        String member(String name, String value) {
            var matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*" + value).matcher(body);
            return matcher.find() ? matcher.group(1) : null;
        }
    }

    /** A service that is spoken to over mutual TLS. */
    static final class Door {
        private final HttpClient client;
        private final Path ca;

        Door(Path certificate, Path key, Path ca) throws IOException, GeneralSecurityException {
            this.ca = ca;
            // No redirects: they would carry the token to somebody else.
            client = HttpClient.newBuilder()
                .sslContext(context(certificate, key, ca))
                .connectTimeout(Duration.ofSeconds(5))
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();
        }

        /** Asks, and asks again after 429 and 503, when the answer wants it; three times at most. */
        Answer get(URI url, Map<String, String> headers) throws IOException, InterruptedException {
            for (int pause = 1; ; pause++) {
                var answer = getOnce(url, headers);
                if (!answer.isBusy() || pause == 3) {
                    return answer;
                }
                var said = answer.retryAfter();
                int wait = said.matches("[0-9]{1,6}") ? Integer.parseInt(said) : pause;
                if (wait > LONGEST_WAIT) {
                    return answer;
                }
                note(answer.problem() + "; waiting " + wait + " s");
                TimeUnit.SECONDS.sleep(wait);
            }
        }

        private Answer getOnce(URI url, Map<String, String> headers) throws IOException, InterruptedException {
            var request = HttpRequest.newBuilder(url).timeout(TIMEOUT);
            headers.forEach(request::header);
            long asked = System.nanoTime();
            var answer = client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofInputStream())
                .thenApplyAsync(response -> read(response, asked));
            try {
                return answer.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
            } catch (TimeoutException error) {
                throw new NoAnswer(url + ": no answer in time");
            } catch (ExecutionException error) {
                throw new NoAnswer(url + ": " + why(error.getCause()));
            }
        }

        private static Answer read(HttpResponse<InputStream> response, long asked) {
            try (var body = response.body()) {
                var bytes = body.readNBytes(LARGEST_ANSWER + 1);
                if (bytes.length > LARGEST_ANSWER) {
                    throw new NoAnswer("the answer is longer than " + LARGEST_ANSWER + " bytes");
                }
                var headers = response.headers();
                return new Answer(response.statusCode(), headers.firstValue("Retry-After").orElse(""),
                    headers.firstValue("Date").orElse(""), new String(bytes, StandardCharsets.UTF_8), asked);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }

        private String why(Throwable error) {
            if (error instanceof UncheckedIOException wrapped) {
                error = wrapped.getCause();
            }
            var text = String.valueOf(error.getMessage());
            if (error instanceof SSLHandshakeException && (text.contains("PKIX") || text.contains("No subject alternative"))) {
                return "the server's certificate is not trusted by " + ca + ": " + text;
            }
            return "no answer: " + (error.getMessage() == null ? error.getClass().getSimpleName() : text);
        }
    }

    /** Our certificate and key, and the only CA that is believed. All of it PEM, which Java reads without libraries. */
    static SSLContext context(Path certificate, Path key, Path ca) throws IOException, GeneralSecurityException {
        var nothing = new char[0];
        var ours = KeyStore.getInstance("PKCS12");
        ours.load(null, null);
        ours.setKeyEntry("client", privateKey(key), nothing, certificates(certificate));
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(ours, nothing);
        var theirs = KeyStore.getInstance("PKCS12");
        theirs.load(null, null);
        for (var one : certificates(ca)) {
            theirs.setCertificateEntry("ca" + theirs.size(), one);
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(theirs);
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static Certificate[] certificates(Path file) throws IOException, GeneralSecurityException {
        try (var input = Files.newInputStream(file)) {
            return CertificateFactory.getInstance("X.509").generateCertificates(input).toArray(Certificate[]::new);
        }
    }

    private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
        var matcher = Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----").matcher(Files.readString(file));
        if (!matcher.find()) {
            throw new GeneralSecurityException(file + ": no \"BEGIN PRIVATE KEY\"; openssl pkcs8 -topk8 -nocrypt makes one of other keys");
        }
        var der = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(matcher.group(1)));
        for (var kind : List.of("EC", "RSA", "EdDSA")) {
            try {
                return KeyFactory.getInstance(kind).generatePrivate(der);
            } catch (InvalidKeySpecException error) {
                continue; // another kind
            }
        }
        throw new GeneralSecurityException(file + ": neither EC nor RSA nor EdDSA");
    }

    /** What is shown to a partner, and whether it is new. */
    record Token(String text, boolean isNew) {}

    /** Where tokens come from. */
    interface Tokens {
        Token get() throws IOException, InterruptedException;

        void forget();
    }

    /** Our token, asked for when it is needed and kept in memory. Any number of threads may share one. */
    static final class TokenSource implements Tokens {
        private final Door door;
        private final URI url;
        private final double early;
        private String token;
        private long until; // of System.nanoTime(), which nobody sets

        TokenSource(Door door, String authUrl, String entity, int early) {
            this.door = door;
            var id = URLEncoder.encode(entity, StandardCharsets.UTF_8).replace("+", "%20");
            this.url = URI.create(authUrl.replaceAll("/+$", "") + "/api/v1/auth/" + id);
            this.early = early;
        }

        @Override
        public synchronized Token get() throws IOException, InterruptedException {
            double left = token == null ? 0 : (until - System.nanoTime()) / 1e9;
            if (left > early) {
                return new Token(token, false);
            }
            try {
                ask();
                return new Token(token, true);
            } catch (IOException error) {
                // The old one counts to its end, unless we are told that we are not welcome.
                if (left <= 0 || error instanceof NoToken no && !no.forNow) {
                    token = null;
                    throw error;
                }
                note("no new token: " + error.getMessage() + "; the old one counts for " + (long) left + " s yet");
                return new Token(token, false);
            }
        }

        @Override
        public synchronized void forget() {
            token = null;
        }

        private void ask() throws IOException, InterruptedException {
            var answer = door.get(url, Map.of());
            if (answer.status() != 200) {
                throw new NoToken(answer);
            }
            var text = answer.member("jwtCompact", "\"(" + TOKEN + ")\"");
            var exp = answer.member("exp", "([0-9]{1,15})\\b");
            var iat = answer.member("iat", "([0-9]{1,15})\\b");
            try {
                // By the clock of the service, since ours may be wrong.
                long now = ZonedDateTime.parse(answer.date(), DateTimeFormatter.RFC_1123_DATE_TIME).toEpochSecond();
                long life = Long.parseLong(exp) - Math.max(now, Long.parseLong(iat));
                token = Objects.requireNonNull(text);
                until = answer.asked() + TimeUnit.SECONDS.toNanos(life);
                note("a new token, good for " + life + " s");
            } catch (DateTimeParseException | NumberFormatException | NullPointerException error) {
                throw new NoAnswer(url + ": a 200 without token, exp, iat or Date");
            }
        }
    }

    /** The partner's answer. A kept token that it refuses is replaced once: our certificate may have changed since. */
    static Answer callPartner(Door door, URI url, Tokens tokens) throws IOException, InterruptedException {
        var token = tokens.get();
        var answer = door.get(url, Map.of("X-BoB-AuthToken", token.text()));
        if (answer.status() == 401 && !token.isNew()) {
            note("the kept token is refused: " + answer.problem());
            tokens.forget();
            answer = door.get(url, Map.of("X-BoB-AuthToken", tokens.get().text()));
        }
        return answer;
    }

    /** Words of others, fit for a terminal: no control characters, and not too many of them. */
    static String plain(String text) {
        var clean = text.strip().replaceAll("[\\p{Cc}\\p{Cf}]", "?");
        return clean.substring(0, Math.min(500, clean.length()));
    }

    /** Tells the person; put your logger here. */
    static void note(String text) {
        System.err.println("client: " + plain(text));
    }

    /** A token that somebody else asked for. */
    record GivenToken(String text) implements Tokens {
        GivenToken(Path file) throws IOException {
            this(Files.readString(file, StandardCharsets.US_ASCII).strip());
            if (!TOKEN.matcher(text).matches()) {
                throw new NoAnswer(file + " holds no token");
            }
        }

        @Override
        public Token get() {
            return new Token(text, true);
        }

        @Override
        public void forget() {}
    }

    private static int run(Map<String, String> options, List<String> words) throws Exception {
        var certificate = Path.of(options.get("--cert"));
        var key = Path.of(options.get("--key"));
        var ca = options.get("--ca");
        var authentication = new Door(certificate, key, Path.of(ca));
        var partner = new Door(certificate, key, Path.of(options.getOrDefault("--partner-ca", ca)));
        int early = Integer.parseInt(options.getOrDefault("--early", "60"));
        var given = options.get("--token");
        Tokens tokens = given != null
            ? new GivenToken(Path.of(given))
            : new TokenSource(authentication, words.get(0), words.get(1), early);
        for (int left = Integer.parseInt(options.getOrDefault("--times", "1")); left > 0; left--) {
            var answer = callPartner(partner, URI.create(words.get(2)), tokens);
            if (answer.status() / 100 != 2) {
                note("the partner refused: " + answer.problem());
                return 4;
            }
            System.out.println(answer.status() + " " + plain(answer.body()));
        }
        return 0;
    }

    public static void main(String[] arguments) {
        var options = new HashMap<String, String>();
        int at = 0;
        var known = List.of("--cert", "--key", "--ca", "--partner-ca", "--early", "--times", "--token");
        while (at + 1 < arguments.length && known.contains(arguments[at])) {
            options.put(arguments[at], arguments[at + 1]);
            at += 2;
        }
        var words = List.of(arguments).subList(at, arguments.length);
        var numbers = options.getOrDefault("--early", "60") + options.getOrDefault("--times", "1");
        boolean called = words.size() == 3 && words.get(0).startsWith("https://") && words.get(2).startsWith("https://");
        if (!called || !options.keySet().containsAll(known.subList(0, 3)) || !numbers.matches("[0-9]{1,9}")) {
            System.err.print(USAGE);
            System.exit(2);
        }
        int code = 1;
        try {
            code = run(options, words);
        } catch (NoToken error) {
            note("no token: " + error.getMessage());
            code = 3;
        } catch (Exception error) {
            note(error.getMessage() == null ? error.toString() : error.getMessage());
        }
        System.exit(code);
    }
}

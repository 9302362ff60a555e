// A partner's service behind nginx, which asks `bob-auth verify-server` about every request and writes down who is calling.
//
// usage: java Service.java [PORT]
//
// Listens at 127.0.0.1, port 8080 unless said; port 0 lets the system choose. Exit codes: 1 the port is taken, 2 called wrongly,
// 143 told to end. Needs Java 17 and no libraries.
//
// The names in X-BoB-Pid, X-BoB-Entity and X-BoB-Class are true because nginx overwrites them in every request. Whoever can
// reach this port without nginx can be anybody: it listens on the loopback only, and no stranger may have an account on this
// machine.

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;

public final class Service {
    private static final int LARGEST_BODY = 64 * 1024;
    private static final Pattern TICKET = Pattern.compile("\"ticketId\"\\s*:\\s*\"([A-Za-z0-9._-]{1,100})\"");

    /** Who makes a request, as the verifier found it out. */
    record Caller(long pid, String entity, String authz, long expires) {
        /** The caller, or a refusal: in shadow mode nobody is named, and without the proxy nobody vouches for names. */
        static Caller of(Headers headers) throws Problem {
            try {
                return new Caller(Long.parseLong(only(headers, "Pid")), only(headers, "Entity"), only(headers, "Class"),
                    Long.parseLong(only(headers, "Expires")));
            } catch (NumberFormatException error) {
                throw new Problem(401, "Nobody vouches for the caller");
            }
        }

        private static String only(Headers headers, String name) throws Problem {
            var values = headers.get("X-BoB-" + name);
            if (values == null || values.size() != 1) {
                throw new Problem(401, "Nobody vouches for the caller");
            }
            return values.get(0);
        }
    }

    /** A refusal, told as a problem document (RFC 9457). */
    @SuppressWarnings("serial")
    static final class Problem extends Exception {
        final int status;

        Problem(int status, String title) {
            super(title);
            this.status = status;
        }
    }

    /** What is answered. Names of callers and our ticket ids have no characters that JSON escapes; else take a library. */
    record Answer(int status, String json) {}

    /** All of it, also of what is refused: an answer before its end is a broken connection to nginx, which bounds its length. */
    private static byte[] bodyOf(HttpExchange exchange) throws Problem, IOException {
        var body = exchange.getRequestBody().readNBytes(LARGEST_BODY + 1);
        if (body.length > LARGEST_BODY) {
            exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
            throw new Problem(413, "The body is too long");
        }
        return body;
    }

    private static Answer route(Caller caller, HttpExchange exchange, byte[] body) throws Problem {
        return switch (exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath()) {
            case "GET /validation/v1/status" -> new Answer(200, String.format(
                "{\"status\":\"open\",\"caller\":{\"pid\":%d,\"entityId\":\"%s\",\"class\":\"%s\",\"expires\":%d}}",
                caller.pid(), caller.entity(), caller.authz(), caller.expires()));
            case "POST /validation/v1/validations" -> validate(caller, body);
            default -> throw new Problem(404, "Nothing here");
        };
    }

    private static Answer validate(Caller caller, byte[] body) throws Problem {
        if (!caller.authz().equals("val")) {
            throw new Problem(403, "Only validators validate");
        }
        var ticket = TICKET.matcher(new String(body, StandardCharsets.UTF_8));
        if (!ticket.find()) {
            throw new Problem(400, "A ticketId is missing");
        }
        return new Answer(201, String.format("{\"ticketId\":\"%s\",\"validatedBy\":{\"pid\":%d,\"entityId\":\"%s\"}}",
            ticket.group(1), caller.pid(), caller.entity()));
    }

    private static void serve(HttpExchange exchange) throws IOException {
        var who = "-";
        Answer answer;
        try (exchange) {
            try {
                var asked = bodyOf(exchange);
                var caller = Caller.of(exchange.getRequestHeaders());
                who = caller.entity() + " of " + caller.pid();
                answer = route(caller, exchange, asked);
            } catch (Problem problem) {
                answer = new Answer(problem.status, String.format("{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d}",
                    problem.getMessage(), problem.status));
            }
            var body = answer.json().getBytes(StandardCharsets.UTF_8);
            var headers = exchange.getResponseHeaders();
            headers.set("Content-Type", answer.status() < 400 ? "application/json" : "application/problem+json");
            headers.set("Cache-Control", "no-store");
            exchange.sendResponseHeaders(answer.status(), body.length);
            exchange.getResponseBody().write(body);
            System.err.println(answer.status() + " " + exchange.getRequestMethod() + " for " + who);
        }
    }

    public static void main(String[] arguments) {
        var port = arguments.length == 0 ? "8080" : arguments[0];
        if (arguments.length > 1 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65535) {
            System.err.println("usage: java Service.java [PORT]");
            System.exit(2);
        }
        try {
            var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port));
            var server = HttpServer.create(address, 0);
            server.setExecutor(Executors.newFixedThreadPool(16));
            server.createContext("/", Service::serve);
            server.start();
            System.out.println("listening at http://127.0.0.1:" + server.getAddress().getPort());
        } catch (IOException error) {
            System.err.println("service: port " + port + ": " + error.getMessage());
            System.exit(1);
        }
    }
}
